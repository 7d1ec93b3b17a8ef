import type { LocalPort } from './port-rule';

/** Ports on loopback only (facts of RKE2, Kubernetes and Cilium defaults): needed free, never opened. */
export const LOCAL_PORTS: readonly LocalPort[] = [
  { port: 2381, on: 'servers', why: 'etcd metrics' },
  { port: 2382, on: 'servers', why: 'etcd client over HTTP' },
  { port: 6443, on: 'agents', why: 'RKE2’s balancer to the API servers' },
  { port: 6444, on: 'nodes', why: 'RKE2’s balancer to the supervisors' },
  { port: 9234, on: 'nodes', why: 'Cilium operator API' },
  { port: 9878, on: 'nodes', why: 'Envoy health' },
  { port: 9879, on: 'nodes', why: 'Cilium agent health' },
  { port: 9890, on: 'nodes', why: 'Cilium agent diagnostics' },
  { port: 9891, on: 'nodes', why: 'Cilium operator diagnostics' },
  { port: 9893, on: 'nodes', why: 'Hubble Relay diagnostics' },
  { port: 10_010, on: 'nodes', why: 'containerd streaming' },
  { port: 10_248, on: 'nodes', why: 'kubelet health' },
  { port: 10_257, on: 'servers', why: 'kube-controller-manager' },
  { port: 10_258, on: 'servers', why: 'cloud-controller-manager' },
  { port: 10_259, on: 'servers', why: 'kube-scheduler' },
];
