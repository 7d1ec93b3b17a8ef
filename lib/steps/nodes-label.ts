import { z } from 'zod';
import { TopologyNode } from '@/lib/topology/topology';
import { KUBECTL } from './kubectl';
import { toProbe, toScript, toVerify } from './script';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

/** Stamp, on the first server, of the labels and taints that the Nodes were given; absent where none ever were. */
export const NODES_LABEL_STAMP = 'nodes-label';

export const NodesLabelParams = z.strictObject({
  /** Every server and agent of the drawing, those without labels too: what was set on them earlier goes. */
  nodes: z
    .array(TopologyNode.pick({ name: true, labels: true, taints: true }))
    .min(1)
    .max(1_000),
  stamp: StampValue,
});
export type NodesLabelParams = z.infer<typeof NodesLabelParams>;

/**
 * RKE2 takes labels and taints of config.yaml at the first registration only (RKE2 docs reference/linux_agent_config).
 * `memory` holds what was set by us, `label NODE KEY` and `taint NODE KEY:EFFECT`: only that is ever taken away. What
 * the API says is compared and nothing else; each argument of kubectl comes from the drawing or from `memory`.
 */
const SHARED = `${KUBECTL}
config="$root/etc/rancher/rke2/rke2.yaml"
memory="$state/nodes-label"
format='{{range .items}}{{$node := .metadata.name}}node {{$node}}{{"\\n"}}{{range $key, $value := .metadata.labels}}label {{$node}} {{$key}}={{$value}}{{"\\n"}}{{end}}{{range .spec.taints}}taint {{$node}} {{.key}}={{with .value}}{{.}}{{end}}:{{.effect}}{{"\\n"}}{{end}}{{end}}'
# Gives what is to be done as lines: label|taint NODE ARGUMENT..., or missing NODE. A taint is known by key and effect.
judge='
function known(what, text,  key) {
  key = text
  sub(/=.*/, "", key)
  if (what == "taint") { sub(/.*:/, "", text); key = key ":" text }
  return key
}
function add(what, node, change) {
  if (!((what, node) in todo)) order[++count] = what SUBSEP node
  todo[what, node] = todo[what, node] " " change
}
$0 == "--" { part++; next }
!part && $1 == "node" { drawn[$2]; names[++total] = $2; next }
!part { wanted[++wants] = $0; keeps[$1, $2, known($1, $3)]; next }
part == 1 { set[++sets] = $0; next }
$1 == "node" { there[$2]; next }
{ has[$1, $2, $3]; holds[$1, $2, known($1, $3)] }
END {
  for (i = 1; i <= total; i++) if (!(names[i] in there)) print "missing " names[i]
  for (i = 1; i <= sets; i++) {
    split(set[i], field, " ")
    if ((field[2] in drawn) && !((field[1], field[2], field[3]) in keeps) && ((field[1], field[2], field[3]) in holds))
      add(field[1], field[2], field[3] "-")
  }
  for (i = 1; i <= wants; i++) {
    split(wanted[i], field, " ")
    if ((field[2] in there) && !((field[1], field[2], field[3]) in has)) add(field[1], field[2], field[3])
  }
  for (i = 1; i <= count; i++) { split(order[i], field, SUBSEP); print field[1] " " field[2] todo[order[i]] }
}'
remembered() { if [ -f "$memory" ]; then cat "$memory"; fi; }
find_changes() {
  if [ ! -x "$kubectl" ] || [ ! -f "$config" ]; then note 'RKE2 has not written its tools and kubeconfig yet'; return 1; fi
  if ! found=$(ask get nodes -o go-template="$format"); then note 'the API server does not list the nodes'; return 1; fi
  { printf '%s\\n' "$sp_wanted" --; remembered; printf '%s\\n' -- "$found"; } | awk "$judge"
}
first_change() {
  printf '%s\\n' "$changes" | { read -r what node _; case "$what" in
    missing) note "there is no Node $node" ;;
    *) note "labels or taints of Node $node are not as drawn" ;;
  esac; }
}
is_so() {
  if ! changes=$(find_changes); then note "$changes"; return 1; fi
  if [ -n "$changes" ]; then first_change; return 1; fi
  if [ "$(read_stamp ${NODES_LABEL_STAMP})" != "$sp_stamp" ]; then note 'not labelled like this yet'; return 1; fi
}
`;

/** What is about to be set is remembered before it is, so that an act that was cut forgets nothing. */
const ACT = `
remember() {
  make_state_dir .
  (umask 077; sed '/^$/d' | sort -u > "$memory.new")
  settle "$memory.new"
  mv -f "$memory.new" "$memory"
}
ours='$1 == "label" { sub(/=.*/, "", $3); print $1, $2, $3 } $1 == "taint" { effect = $3; sub(/=.*/, "", $3); sub(/.*:/, "", effect); print $1, $2, $3 ":" effect }'
own=$(printf '%s\\n' "$sp_wanted" | awk "$ours")
{ remembered; printf '%s\\n' "$own"; } | remember
apply_changes() {
  printf '%s\\n' "$changes" | while read -r what node arguments; do
    if [ "$what" = missing ]; then continue; fi
    set -f
    "$kubectl" --kubeconfig "$config" --cache-dir "$root/run/siteplan-kube-cache" --request-timeout=5s "$what" --overwrite -- node "$node" $arguments </dev/null 2>&1 || :
    set +f
  done
}
begun=$(seconds_up)
while :; do
  if ! changes=$(find_changes); then why=$changes
  elif [ -z "$changes" ]; then break
  else why=$(first_change); apply_changes; fi
  elapsed=$(($(seconds_up) - begun))
  if [ "$elapsed" -ge "$sp_wait_s" ]; then fail step-exit "$why after $elapsed s"; fi
  sleep 1
done
printf '%s\\n' "$own" | remember
write_stamp ${NODES_LABEL_STAMP} "$sp_stamp"
note 'labels and taints of all nodes are as drawn'
`;

/** Makes labels and taints of registered Nodes those of the drawing; what others have set on them stays. */
export const nodesLabel = defineStepKind({
  kind: 'nodes.label',
  params: NodesLabelParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 300,
  uninterruptible: null,
  toTitle: () => 'Set labels and taints of the nodes',
  toVariables: ({ nodes, stamp }) => ({
    wanted: nodes
      .flatMap(({ name, labels, taints }) => [
        `node ${name}`,
        ...Object.entries(labels).map(([key, value]) => `label ${name} ${key}=${value}`),
        ...taints.map(({ key, value, effect }) => `taint ${name} ${key}=${value}:${effect}`),
      ])
      .join('\n'),
    stamp,
    wait_s: '120',
  }),
});
