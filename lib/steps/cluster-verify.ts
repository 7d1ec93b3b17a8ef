import { z } from 'zod';
import { HOSTNAME } from '@/lib/core/text';
import { FIND_PROGRAM } from './find-program';
import { toProbe, toScript, toVerify } from './script';
import { KUBECTL } from './kubectl';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

/** Stamp, on the first server, of a cluster that was seen whole as the drawing has it. */
export const CLUSTER_VERIFY_STAMP = 'cluster-verify';

export const ClusterVerifyParams = z.strictObject({
  nodes: z
    .array(z.strictObject({ name: z.string().regex(HOSTNAME), role: z.enum(['server', 'agent']) }))
    .min(1)
    .max(1_000),
  /** Where clients find the API, `https://192.0.2.10:6443`: its certificate must name that address. */
  apiUrl: z.url({ protocol: /^https$/ }),
  stamp: StampValue,
});
export type ClusterVerifyParams = z.infer<typeof ClusterVerifyParams>;

/** Lifetime of a node's Lease, which its kubelet renews four times as often (kubelet `nodeLeaseDurationSeconds`). */
const LEASE_S = 40;

/**
 * One line per Node: `NAME Type=Status ... `. More than one server: each must be a voting member (k3s pkg/etcd/etcd.go).
 * Ready may be up to 50 s old, so each node must also have renewed its Lease: a line `NAME renewTime`, where the time is of
 * the node's own clock and is held against this server's, so a clock that is behind by less than 30 s does no harm.
 *
 * `is_alive` dials the fixed address as a load balancer's health check does, without credentials: RKE2's API server then
 * answers 401 (anonymous-auth=false, rke2#7374), or 200 where an authentication-config opens /healthz. Both say that a TLS
 * server of this cluster stands behind the address; a mere acceptor, or nginx without a live backend, says neither. A host
 * without curl and wget leaves that to kubectl, whose question comes next.
 */
const SHARED = `${KUBECTL}${FIND_PROGRAM}
config="$root/etc/rancher/rke2/rke2.yaml"
format='{range .items[*]}{.metadata.name} {range .status.conditions[*]}{.type}={.status} {end}{"\\n"}{end}'
leases='{range .items[*]}{.metadata.name} {.spec.renewTime}{"\\n"}{end}'
judge='
NR == 1 { voters = $0; next }
NR == 2 { oldest = $0; next }
$0 == "--" { part++; next }
!part { if (NF) { count++; role[count] = $1; name[count] = $2 } next }
part == 1 { sub(/\\..*/, "", $2); gsub(/[^0-9]/, "", $2); renewed[$1] = $2; next }
!($1 in node) { node[$1] = " " $0 " " }
function refuse(words) { print words; exit 1 }
END {
  for (i = 1; i <= count; i++) {
    if (!(name[i] in node)) refuse("there is no Node " name[i])
    said = node[name[i]]
    if (!index(said, " Ready=True ")) refuse("Node " name[i] " is not Ready")
    if (role[i] == "server" && voters == "yes" && !index(said, " EtcdIsVoter=True ")) refuse(name[i] " is no voting etcd member")
    if (renewed[name[i]] + 0 < oldest + 0) refuse("Node " name[i] " has not renewed its lease for ${LEASE_S} s")
  }
}'
is_alive() {
  ca="$root/var/lib/rancher/rke2/server/tls/server-ca.crt"
  if curl=$(find_program curl); then
    code=$("$curl" -s -g -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 5 --cacert "$ca" "$sp_api_url/healthz" 2>/dev/null </dev/null) || :
  elif wget=$(find_program wget); then
    code=$("$wget" -q -S -O /dev/null --no-proxy --tries=1 --timeout=5 --ca-certificate="$ca" "$sp_api_url/healthz" 2>&1 </dev/null | sed -n 's|^ *HTTP/[0-9.]* \\([0-9]*\\).*|\\1|p' | tail -n 1)
  else
    return 0
  fi
  case $code in 200|401) return 0 ;; esac
  note "no API server of this cluster answers /healthz at $sp_api_url"
  return 1
}
is_whole() {
  if [ ! -x "$kubectl" ] || [ ! -f "$config" ]; then note 'RKE2 has not written its tools and kubeconfig yet'; return 1; fi
  if ! found=$(ask get nodes -o jsonpath="$format"); then note 'the API server does not list the nodes'; return 1; fi
  if ! heard=$(ask -n kube-node-lease get leases -o jsonpath="$leases"); then note 'the API server does not list the leases of the nodes'; return 1; fi
  oldest=$(date -u -d "@$(($(date +%s) - ${LEASE_S}))" +%Y%m%d%H%M%S)
  printf '%s\\n' "$sp_voters" "$oldest" "$sp_nodes" -- "$heard" -- "$found" | awk "$judge" || return 1
  is_alive || return 1
  readyz=$(ask --server "$sp_api_url" get --raw=/readyz) || readyz=
  if [ "$readyz" != ok ]; then note "the API server does not answer /readyz with ok at $sp_api_url"; return 1; fi
}
is_so() {
  is_whole || return 1
  if [ "$(read_stamp ${CLUSTER_VERIFY_STAMP})" != "$sp_stamp" ]; then note 'not seen whole like this yet'; return 1; fi
}
`;

const ACT = `
begun=$(seconds_up)
told=0
while ! why=$(is_whole); do
  elapsed=$(($(seconds_up) - begun))
  if [ "$elapsed" -ge "$sp_wait_s" ]; then
    "$kubectl" --kubeconfig "$config" --server "$sp_api_url" --request-timeout=5s get --raw=/readyz 2>&1 | tail -n 3 || :
    fail step-exit "$why after $elapsed s"
  fi
  if [ "$elapsed" -ge "$((told + 10))" ]; then told=$elapsed; note "$why ($elapsed s)"; fi
  sleep 1
done
write_stamp ${CLUSTER_VERIFY_STAMP} "$sp_stamp"
note "all $(printf '%s\\n' "$sp_nodes" | grep -c .) nodes are Ready and the API answers at $sp_api_url"
`;

const TIMEOUT_S = 600;

/** The last step of an apply, on the first server: every node Ready, every server voting, the API at its fixed address. */
export const clusterVerify = defineStepKind({
  kind: 'cluster.verify',
  params: ClusterVerifyParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED, 'output api_url "$sp_api_url"\n'),
  timeoutS: TIMEOUT_S,
  uninterruptible: null,
  toTitle: ({ nodes }) =>
    `Check the whole cluster (${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'})`,
  toVariables: ({ nodes, apiUrl, stamp }) => ({
    nodes: nodes.map(({ name, role }) => `${role} ${name}`).join('\n'),
    voters: nodes.filter(({ role }) => role === 'server').length > 1 ? 'yes' : 'no',
    api_url: apiUrl,
    stamp,
    wait_s: String(TIMEOUT_S - 60),
  }),
});
