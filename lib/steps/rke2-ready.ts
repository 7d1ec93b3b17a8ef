import { z } from 'zod';
import { HOSTNAME } from '@/lib/core/text';
import { Rke2Version } from './artifact-fetch';
import { KUBECTL } from './kubectl';
import { toProbe, toScript, toVerify } from './script';
import { JOURNAL } from './service-run';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

/** Stamp of a node that was Ready with the configuration whose hash it holds. */
export const READY_STAMP = 'rke2-ready';

export const Rke2ReadyParams = z.strictObject({
  nodeName: z.string().regex(HOSTNAME),
  role: z.enum(['server', 'agent']),
  version: Rke2Version,
  /** Wait also until this server is a voting etcd member; the next server may join only then. */
  voter: z.boolean(),
  stamp: StampValue,
});
export type Rke2ReadyParams = z.infer<typeof Rke2ReadyParams>;

/**
 * Agents have no admin kubeconfig; the kubelet's own may read its own Node (RKE2 docs cluster_access) and get its own Lease
 * (Kubernetes, node authorizer: `authorizeLease`). The condition `EtcdIsVoter` is set by the etcd controller of the server
 * (k3s pkg/etcd/etcd.go).
 *
 * Ready may be up to 50 s old (node-monitor-grace-period since Kubernetes 1.32), so `is_fresh` wants a sign of life of the
 * kubelet that runs now: it answers on its loopback port, and it has renewed its Lease (each 10 s) since the unit became
 * active. Both times are of this host's own clock, in whole seconds: the kubelet writes `renewTime`, systemd the other.
 * kubectl asks without any identity, and takes no proxy on the loopback, so no other client need be installed.
 */
const SHARED = `${KUBECTL}
sp_unit="rke2-$sp_role.service"
case "$sp_role" in
  server) config="$root/etc/rancher/rke2/rke2.yaml" ;;
  *) config="$root/var/lib/rancher/rke2/agent/kubelet.kubeconfig" ;;
esac
format='{range .status.conditions[*]}{.type}={.status} {end}version={.status.nodeInfo.kubeletVersion} '
# digits WORDS: 2026-11-24T05:06:07.89Z and systemd's Tue 2026-11-24 05:06:07 UTC become 20261124050607, anything else nothing.
digits() {
  moment=$(printf '%s' "\${1%%.*}" | tr -cd 0-9)
  case $moment in ??????????????) printf '%s' "$moment" ;; esac
}
is_fresh() {
  active=
  entered=
  shown=$(TZ=UTC0 systemctl show -p ActiveState,ActiveEnterTimestamp -- "$sp_unit" 2>/dev/null) || :
  while IFS='=' read -r key value; do
    case $key in
      ActiveState) active=$value ;;
      ActiveEnterTimestamp) entered=$(digits "$value") ;;
    esac
  done <<END
$shown
END
  if [ "$active" != active ] || [ -z "$entered" ]; then note "$sp_unit is \${active:-unknown}"; return 1; fi
  healthz=$("$kubectl" --kubeconfig /dev/null --server http://127.0.0.1:10248 --request-timeout=5s get --raw=/healthz 2>/dev/null </dev/null) || healthz=
  if [ "$healthz" != ok ]; then note "the kubelet of $sp_node_name does not answer /healthz with ok"; return 1; fi
  renewed=$(ask -n kube-node-lease get lease -o 'jsonpath={.spec.renewTime}' -- "$sp_node_name") || renewed=
  renewed=$(digits "$renewed")
  if [ -z "$renewed" ] || [ "$renewed" -le "$entered" ]; then note "$sp_node_name has not renewed its lease since $sp_unit became active"; return 1; fi
}
is_ready() {
  if [ ! -x "$kubectl" ] || [ ! -f "$config" ]; then note 'RKE2 has not written its tools and kubeconfig yet'; return 1; fi
  if [ "$sp_role" = server ]; then
    readyz=$(ask get --raw=/readyz) || readyz=
    if [ "$readyz" != ok ]; then note 'the API server does not answer /readyz with ok'; return 1; fi
  fi
  if ! found=$(ask get node -o jsonpath="$format" -- "$sp_node_name"); then note "there is no Node $sp_node_name yet"; return 1; fi
  case " $found" in *' Ready=True '*) ;; *) note "Node $sp_node_name is not Ready"; return 1 ;; esac
  case " $found" in *" version=$sp_version "*) ;; *) note "Node $sp_node_name does not run $sp_version yet"; return 1 ;; esac
  if [ "$sp_voter" = yes ]; then
    case " $found" in *' EtcdIsVoter=True '*) ;; *) note "$sp_node_name is not a voting etcd member yet"; return 1 ;; esac
  fi
  is_fresh
}
is_so() {
  is_ready || return 1
  if [ "$(read_stamp rke2-ready)" != "$sp_stamp" ]; then note 'not seen Ready with this configuration yet'; return 1; fi
}
`;

const ACT = `
begun=$(seconds_up)
told=0
stopped=0
while ! why=$(is_ready); do
  elapsed=$(($(seconds_up) - begun))
  if [ "$elapsed" -ge "$sp_wait_s" ]; then give_up "$why after $elapsed s"; fi
  if [ "$elapsed" -ge "$((told + 10))" ]; then told=$elapsed; note "$why ($elapsed s)"; fi
  case $(systemctl is-active -- "$sp_unit" 2>/dev/null || :) in
    failed|inactive) stopped=$((stopped + 1)) ;;
    *) stopped=0 ;;
  esac
  # Nobody starts it again by itself, so nothing is left to wait for.
  if [ "$stopped" -ge 30 ]; then give_up "$sp_unit does not run any more, so $why"; fi
  sleep 1
done
write_stamp rke2-ready "$sp_stamp"
note "Node $sp_node_name is Ready after $(($(seconds_up) - begun)) s"
`;

const TIMEOUT_S = 1800;

/** Waits until the cluster itself says, and not of an earlier life, that this node is Ready with the wanted version. */
export const rke2Ready = defineStepKind({
  kind: 'rke2.ready',
  params: Rke2ReadyParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, JOURNAL, ACT),
  verify: toVerify(
    SHARED,
    'output node "$sp_node_name"\noutput node_ready True\noutput version "$sp_version"\n',
  ),
  timeoutS: TIMEOUT_S,
  uninterruptible: null,
  toTitle: ({ nodeName }) => `Wait until ${nodeName} is Ready`,
  toVariables: ({ nodeName, role, version, voter, stamp }) => ({
    node_name: nodeName,
    role,
    version,
    voter: voter ? 'yes' : 'no',
    stamp,
    wait_s: String(TIMEOUT_S - 60),
  }),
});
