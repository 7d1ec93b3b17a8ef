import { z } from 'zod';
import { HOSTNAME } from '@/lib/core/text';
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

/** One line per Node: `NAME Type=Status ... `. More than one server: each must be a voting member (k3s pkg/etcd/etcd.go). */
const SHARED = `${KUBECTL}
config="$root/etc/rancher/rke2/rke2.yaml"
format='{range .items[*]}{.metadata.name} {range .status.conditions[*]}{.type}={.status} {end}{"\\n"}{end}'
judge='
NR == 1 { voters = $0; next }
$0 == "--" && !listed { listed = 1; next }
!listed { if (NF) { count++; role[count] = $1; name[count] = $2 } next }
!($1 in node) { node[$1] = " " $0 " " }
function refuse(words) { print words; exit 1 }
END {
  for (i = 1; i <= count; i++) {
    if (!(name[i] in node)) refuse("there is no Node " name[i])
    said = node[name[i]]
    if (!index(said, " Ready=True ")) refuse("Node " name[i] " is not Ready")
    if (role[i] == "server" && voters == "yes" && !index(said, " EtcdIsVoter=True ")) refuse(name[i] " is no voting etcd member")
  }
}'
is_whole() {
  if [ ! -x "$kubectl" ] || [ ! -f "$config" ]; then note 'RKE2 has not written its tools and kubeconfig yet'; return 1; fi
  if ! found=$(ask get nodes -o jsonpath="$format"); then note 'the API server does not list the nodes'; return 1; fi
  { printf '%s\\n' "$sp_voters" "$sp_nodes" --; printf '%s\\n' "$found"; } | awk "$judge" || return 1
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
