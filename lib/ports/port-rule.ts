/** Who opens or takes a connection. `nodes` are servers and agents; the last three stand outside the document. */
export type End = 'servers' | 'agents' | 'nodes' | 'lbs' | 'clients' | 'siteplan' | 'anywhere';

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'vrrp';

/** Names of what a row depends on; `PORT_CONDITIONS` evaluates them for a topology. */
export type PortCondition =
  | 'always'
  | 'has-load-balancers'
  | 'manages-load-balancers'
  | 'has-ingress'
  | 'has-vxlan'
  | 'has-geneve'
  | 'has-wireguard'
  | 'has-hubble-relay'
  | 'has-hubble-metrics'
  | 'has-agent-metrics'
  | 'exposes-etcd-metrics'
  | 'shares-images'
  | 'has-tailscale';

/** One row of the matrix: what has to pass, between whom, when and why. */
export interface PortRule {
  readonly id: string;
  readonly protocol: Protocol;
  /** First and last port, both included; null for protocols without ports. */
  readonly ports: readonly [number, number] | null;
  readonly from: End;
  readonly to: End;
  readonly when: PortCondition;
  /**
   * `required`: the cluster does not work without it. `full`: a feature suffers. `optional`: only what users add
   * to the cluster needs it, so a closed one is no finding.
   */
  readonly need: 'required' | 'full' | 'optional';
  readonly why: string;
  readonly source: string;
}

/** A port that a node's own programs bind to loopback: it must be free, and no firewall ever opens it. */
export interface LocalPort {
  readonly port: number;
  readonly on: 'servers' | 'agents' | 'nodes';
  readonly why: string;
}
