import { toShellAssignments } from '@/lib/core/shell-quote';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toSecretSlot } from './secret-slot';

export const TAILSCALE_KEY_PATH = '/etc/siteplan/tailscale-auth-key';
export const TAILSCALE_JOIN_PATH = '/etc/siteplan/tailscale-join.sh';
export const TAILSCALE_UNIT = 'siteplan-tailscale.service';
const TAILSCALE_UNIT_PATH = `/etc/systemd/system/${TAILSCALE_UNIT}`;
export const TAILNET_GUARD_PATH = '/etc/siteplan/tailnet-guard.nft';
const TAILNET_GUARD_UNIT_PATH = '/etc/systemd/system/siteplan-tailnet-guard.service';

/**
 * What puts a node on the tailnet and keeps Cilium out of its way; nothing where the topology leaves Tailscale alone.
 * Without an auth key in the topology a person signs the node in, so there is nothing to join with.
 */
export function renderTailscale({ edge }: Topology, node: TopologyNode): RenderedFile[] {
  const { enabled, authKey, tags } = edge.tailscale;
  if (!enabled || node.role === 'lb') return [];
  const guard = [
    toPlainFile({
      path: TAILNET_GUARD_PATH,
      body: GUARD,
      purpose: 'Keeps Tailscale’s own packets off Cilium’s interfaces.',
    }),
    toPlainFile({
      path: TAILNET_GUARD_UNIT_PATH,
      body: GUARD_UNIT,
      purpose: 'Loads that rule before Tailscale starts.',
    }),
  ];
  if (authKey === undefined) return guard;
  return [
    ...guard,
    // No first line of ours: Tailscale takes the whole file for the key.
    {
      ...toPlainFile({
        path: TAILSCALE_KEY_PATH,
        body: '',
        mode: '0600',
        secrets: [authKey],
        purpose:
          'The key that lets this node join the tailnet; `tailscale` reads it from here, so that no process list shows it.',
      }),
      content: `${toSecretSlot(authKey)}\n`,
    },
    toPlainFile({
      path: TAILSCALE_JOIN_PATH,
      body: toShellAssignments({ name: node.name, tags: tags.join(',') }) + JOIN,
      purpose: 'Joins the tailnet once, and does nothing on a node that is on it.',
    }),
    toPlainFile({
      path: TAILSCALE_UNIT_PATH,
      body: JOIN_UNIT,
      purpose: 'Joins the tailnet at boot, again and again while there is no way out.',
    }),
  ];
}

/**
 * States and flags as in Tailscale's ipn/ipnstate and cmd/tailscale/cli/up.go. `--accept-dns=false`, because otherwise
 * pods resolve through MagicDNS and fail with the tailnet; `--timeout`, because the default waits for ever.
 */
const JOIN = `set -eu
state() {
  tailscale status --json --peers=false 2>/dev/null |
    sed -n 's/^[[:space:]]*"BackendState":[[:space:]]*"\\([A-Za-z]*\\)".*/\\1/p'
}

tries=0
now=$(state) || :
while [ "$now" = '' ] || [ "$now" = NoState ] || [ "$now" = Starting ]; do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then break; fi
  sleep 1
  now=$(state) || :
done

case $now in
  Running)
    echo 'this node is on the tailnet already' ;;
  NeedsLogin|Stopped)
    exec tailscale up "--auth-key=file:${TAILSCALE_KEY_PATH}" "--hostname=$sp_name" \\
      \${sp_tags:+"--advertise-tags=$sp_tags"} --accept-dns=false --timeout=120s ;;
  NeedsMachineAuth)
    echo 'a person has to approve this machine in the admin console of the tailnet' >&2
    exit 1 ;;
  *)
    echo "tailscaled does not answer (\${now:-no state}); look at: systemctl status tailscaled" >&2
    exit 1 ;;
esac
`;

const JOIN_UNIT = `[Unit]
Description=Join the tailnet (Siteplan)
Wants=network-online.target
Requires=tailscaled.service
After=network-online.target tailscaled.service
ConditionPathExists=${TAILSCALE_KEY_PATH}
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${TAILSCALE_JOIN_PATH}
Restart=on-failure
RestartSec=30s

[Install]
WantedBy=multi-user.target
`;

/**
 * tailscaled offers every local address to its peers, that of cilium_host too; packets sent there would run through the
 * overlay that itself runs over Tailscale (tailscale#19797, cilium#48694). 41641 is its port in /etc/default/tailscaled.
 */
const GUARD = `table inet siteplan_tailnet
delete table inet siteplan_tailnet
table inet siteplan_tailnet {
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "cilium_*" udp sport 41641 drop
    oifname "cilium_*" udp dport 41641 drop
    oifname "lxc*" udp sport 41641 drop
    oifname "lxc*" udp dport 41641 drop
  }
}
`;

const GUARD_UNIT = `[Unit]
Description=Keep Tailscale off the interfaces of Cilium (Siteplan)
Before=tailscaled.service
After=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${TAILNET_GUARD_PATH}
ExecStop=/usr/sbin/nft delete table inet siteplan_tailnet

[Install]
WantedBy=tailscaled.service multi-user.target
`;
