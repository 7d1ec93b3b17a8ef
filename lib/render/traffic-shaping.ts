import { toShellAssignments } from '@/lib/core/shell-quote';
import { activePortRules } from '@/lib/ports/to-reachability';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';

export const SHAPING_PATH = '/etc/siteplan/shaping.sh';
export const SHAPING_UNIT_PATH = '/etc/systemd/system/siteplan-shaping.service';

/** A little below the line, so that packets queue here, where they can be sorted, and not in a modem. */
const USABLE = 0.95;
/** Share of the uplink that the control plane has for certain; it may borrow the rest. */
const CONTROL_SHARE = 0.4;
/** Rows of the matrix that are control plane; pods' traffic (VXLAN, Geneve) is everything else. */
const CONTROL_ROWS = ['api', 'join', 'kubelet', 'etcd', 'cilium-health', 'ssh'];

/** tc rules that put the control plane before everything else on a thin uplink, and the unit that sets them. */
export function renderTrafficShaping(topology: Topology, node: TopologyNode): RenderedFile[] {
  const { enabled, uplinkKbit } = topology.edge.trafficShaping;
  // Without the rate there is nothing to share out; the rule `shaping-needs-uplink` says so.
  if (!enabled || uplinkKbit === undefined || node.role === 'lb') return [];
  const device = findDevice(topology);
  return [
    toPlainFile({
      path: SHAPING_PATH,
      body: toShellAssignments(toVariables(topology, node, uplinkKbit, device)) + SCRIPT,
      purpose: 'Sets and takes away the queues on the uplink.',
    }),
    toPlainFile({
      path: SHAPING_UNIT_PATH,
      body: device === 'tailscale0' ? TAILNET_UNIT : UPLINK_UNIT,
      purpose: 'Sets the queues on the uplink whenever its interface appears.',
    }),
  ];
}

/** On the tailnet the inner packets can still be told apart; on the uplink below they are all one encrypted flow. */
function findDevice({ edge }: Topology): string | null {
  return edge.trafficShaping.interface ?? (edge.tailscale.enabled ? 'tailscale0' : null);
}

/** Rates in kbit/s. The site's own network is not the uplink, so it keeps its full speed where the document knows it. */
function toVariables(topology: Topology, node: TopologyNode, uplinkKbit: number, device: string | null) {
  const all = Math.floor(uplinkKbit * USABLE);
  const control = Math.floor(all * CONTROL_SHARE);
  return {
    device: device ?? '',
    all: String(all),
    control: String(control),
    rest: String(all - control),
    local: device === 'tailscale0' ? '' : (topology.network.nodeCidr ?? ''),
    ports: listControlPorts(topology, node).join(' '),
  };
}

/**
 * HTB with two classes, and fair queues in each where the kernel has them (tc-htb, tc-u32, tc-fq_codel manual pages). A connection is known by
 * either port: requests leave towards it, answers leave from it.
 */
const SCRIPT = `set -eu
device=$sp_device
if [ -z "$device" ]; then
  device=$(ip -4 -o route show default | sed -n '1s/.* dev \\([^ ]*\\).*/\\1/p')
fi
if [ -z "$device" ]; then echo 'no default route, so no uplink to shape' >&2; exit 1; fi
tc qdisc del dev "$device" root 2>/dev/null || :
if [ "\${1:-start}" = stop ]; then exit 0; fi
rules() {
  echo "qdisc add dev $device root handle 1: htb default 20"
  echo "class add dev $device parent 1: classid 1:1 htb rate \${sp_all}kbit ceil \${sp_all}kbit"
  echo "class add dev $device parent 1:1 classid 1:10 htb rate \${sp_control}kbit ceil \${sp_all}kbit prio 0 quantum 1514"
  echo "class add dev $device parent 1:1 classid 1:20 htb rate \${sp_rest}kbit ceil \${sp_all}kbit prio 1 quantum 1514"
  if [ -n "$sp_local" ]; then
    echo "class add dev $device parent 1: classid 1:30 htb rate 10gbit quantum 60000"
    echo "filter add dev $device parent 1: protocol ip prio 1 u32 match ip dst $sp_local flowid 1:30"
  fi
  control="filter add dev $device parent 1: protocol ip prio 2 u32"
  for port in $sp_ports; do
    echo "$control match ip protocol 6 0xff match ip dport $port 0xffff flowid 1:10"
    echo "$control match ip protocol 6 0xff match ip sport $port 0xffff flowid 1:10"
  done
  echo "$control match ip protocol 1 0xff flowid 1:10"
}
rules | tc -batch -
for class in 10 20; do
  # Not in every kernel; without it a class has one plain queue.
  tc qdisc add dev "$device" parent "1:$class" handle "$class:" fq_codel 2>/dev/null || echo "class $class: no fq_codel here"
done
echo "shaping $device to $sp_all kbit/s, $sp_control kbit/s of it for the control plane"
`;

function listControlPorts(topology: Topology, node: TopologyNode): number[] {
  const ports = activePortRules(topology)
    .filter(({ id }) => CONTROL_ROWS.includes(id))
    .flatMap(({ ports: range }) => (range ? listPorts(range) : []));
  return [...new Set([...ports, node.ssh.port])].sort((a, b) => a - b);
}

function listPorts([first, last]: readonly [number, number]): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const SERVICE = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${SHAPING_PATH} start
ExecStop=/bin/sh ${SHAPING_PATH} stop
`;

/** A restart of tailscaled makes its interface anew, without queues; the unit goes and comes with the interface. */
const TAILNET_UNIT = `[Unit]
Description=Traffic shaping on the tailnet (Siteplan)
BindsTo=sys-subsystem-net-devices-tailscale0.device
After=sys-subsystem-net-devices-tailscale0.device

${SERVICE}
[Install]
WantedBy=sys-subsystem-net-devices-tailscale0.device
`;

const UPLINK_UNIT = `[Unit]
Description=Traffic shaping on the uplink (Siteplan)
Wants=network-online.target
After=network-online.target

${SERVICE}
[Install]
WantedBy=multi-user.target
`;
