/**
 * What `edge.relaxedTimers` sets, for links that come and go; each stays within its inequality
 * (Kubernetes kubelet and kube-controller-manager reference, client-go leaderelection):
 * grace period = N × status frequency with N >= 2 and above 45 s (HTTP/2 ping and idle);
 * lease > renew deadline > 1.2 × retry period. etcd is left alone: it only matters with several servers,
 * and those never stand across such a link.
 */
export const EDGE_TIMERS = {
  kubelet: { nodeStatusUpdateFrequencyS: 20 },
  kubeControllerManager: [
    'node-monitor-grace-period=180s',
    'node-monitor-period=10s',
    'leader-elect-lease-duration=60s',
    'leader-elect-renew-deadline=40s',
    'leader-elect-retry-period=5s',
  ],
  kubeScheduler: [
    'leader-elect-lease-duration=60s',
    'leader-elect-renew-deadline=40s',
    'leader-elect-retry-period=5s',
  ],
  kubeApiserver: ['default-not-ready-toleration-seconds=1800', 'default-unreachable-toleration-seconds=1800'],
} as const;
