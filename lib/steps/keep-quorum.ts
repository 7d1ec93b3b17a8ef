/**
 * `keep_quorum`: fails where a restart of this etcd member would lose quorum now, because another voter does not answer.
 * `sp_keeps_quorum_as` is the name of the member's node. etcd itself is asked, by the etcdctl of its own image: RKE2 serves
 * etcd's HTTP health on the loopback only, and a Node may say EtcdIsVoter long after its etcd went silent. A member's name is
 * that of its node and 8 hex digits. Where everybody answers nothing is refused: the plan has said what a restart costs.
 */
export const KEEP_QUORUM = `
ask_etcd() {
  tls=/var/lib/rancher/rke2/server/tls/etcd
  "$crictl" exec "$etcd" etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$tls/server-ca.crt" --cert="$tls/server-client.crt" \\
    --key="$tls/server-client.key" --command-timeout=5s "$@" 2>/dev/null </dev/null
}
judge_members='
function shorten(name) { sub(/-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$/, "", name); return name }
BEGIN { FS = ", " }
$0 == "--" { part++; next }
!part { if ($6 == "false") { total++; name[total] = ($3 == "" ? "a member without a name" : shorten($3)); url[total] = $5 } next }
match($0, /"endpoint":"[^"]*"/) { at = substr($0, RSTART + 12, RLENGTH - 13); if (index($0, "\\"health\\":true")) well[at] = 1 }
END {
  for (i = 1; i <= total; i++) {
    if (name[i] == self) continue
    if (url[i] in well) { left++; continue }
    silent = silent (silent == "" ? "" : ", ") name[i]
    count++
  }
  if (!count || left >= int(total / 2) + 1) exit 0
  print silent (count == 1 ? " is" : " are") " not answering; restarting " self " would leave " left + 0 " of " total
  exit 1
}'
keep_quorum() {
  crictl="$root/var/lib/rancher/rke2/bin/crictl"
  CRI_CONFIG_FILE="$root/var/lib/rancher/rke2/agent/etc/crictl.yaml"
  export CRI_CONFIG_FILE
  if ! etcd=$("$crictl" ps -q --name '^etcd$' --state running 2>/dev/null </dev/null); then
    fail quorum-at-risk "crictl does not list the containers of $sp_keeps_quorum_as, so nobody knows whether the other servers vote"
  fi
  etcd=$(printf '%s' "$etcd" | head -n 1)
  if [ -z "$etcd" ]; then note "etcd does not run on $sp_keeps_quorum_as, so a restart takes no vote away"; return 0; fi
  if ! members=$(ask_etcd member list) || [ -z "$members" ]; then
    fail quorum-at-risk "etcd on $sp_keeps_quorum_as does not say who its members are, so it has no quorum now"
  fi
  # Ends with 1 where one of them is unhealthy.
  health=$(ask_etcd endpoint health --cluster -w json | tr '{' '\\n') || :
  if ! silent=$(printf '%s\\n' "$members" -- "$health" | awk -v "self=$sp_keeps_quorum_as" "$judge_members"); then
    fail quorum-at-risk "$silent"
  fi
}
`;
