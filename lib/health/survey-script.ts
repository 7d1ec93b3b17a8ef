/** Modules that RKE2 or Cilium may need; which of them a site needs is the check's to say. */
const MODULES = ['overlay', 'br_netfilter', 'vxlan', 'geneve', 'wireguard'];

const SYSCTLS = [
  'fs.inotify.max_user_instances',
  'fs.inotify.max_user_watches',
  'vm.panic_on_oom',
  'vm.overcommit_memory',
  'kernel.panic',
  'kernel.panic_on_oops',
];

/** Network interfaces that RKE2, k3s and their networks leave behind. */
const INTERFACES = [
  'cilium_host',
  'cilium_net',
  'cilium_vxlan',
  'cilium_wg0',
  'flannel.1',
  'cni0',
  'vxlan.calico',
];

const PRELUDE = `set -u
LC_ALL=C
PATH="\${sp_root:+$sp_root/bin:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
root=\${sp_root:-}
say() { printf '%s\\n' "$*"; }
encode() { base64 | tr -d '\\n'; }
first_line() { line=; if [ -r "$1" ]; then IFS= read -r line < "$1" || :; fi; printf '%s' "$line"; }
within() { seconds=$1; shift; if command -v timeout >/dev/null 2>&1; then timeout "$seconds" "$@"; else "$@"; fi; }
say 'siteplan-survey 1'
`;

const DEVICES = `for link in "$root"/sys/class/net/*; do
  name=\${link##*/}
  if [ -r "$link/mtu" ]; then
    # The driver of a virtual card refuses the question.
    speed=$(cat "$link/speed" 2>/dev/null) || speed=-
    say "link $name $(first_line "$link/mtu") \${speed:--}"
  fi
done
data="$root/var/lib"
for below in rancher rancher/rke2; do if [ -d "$root/var/lib/$below" ]; then data="$root/var/lib/$below"; fi; done
if command -v findmnt >/dev/null 2>&1; then
  findmnt -n -r -o SOURCE,FSTYPE,OPTIONS -T "$data" 2>/dev/null | { read -r source type options && say "mount \${data#"$root"} $source $type $options"; }
  source=$(findmnt -n -r -o SOURCE -T "$data" 2>/dev/null)
  source=\${source%%\\[*}
  case "$source" in
    /dev/*)
      disk=$(readlink -f "$source") || disk=$source
      block="$root/sys/class/block/\${disk##*/}"
      # A partition has no queue of its own, its disk has.
      if [ ! -r "$block/queue/rotational" ]; then block=$(readlink -f "$block")/..; fi
      if [ -r "$block/queue/rotational" ]; then say "rotational $(first_line "$block/queue/rotational")"; fi ;;
  esac
fi
df -Pk "$data" 2>/dev/null | { read -r _; read -r _ total _ && say "data-total-kib $total"; }
`;

const SYSTEM = `if command -v timedatectl >/dev/null 2>&1; then
  say "ntp $(within 5 timedatectl show -p NTPSynchronized 2>/dev/null)"
fi
ip -o -4 addr show 2>/dev/null | while read -r _ _ _ address rest; do
  case " $rest " in *' dynamic '*) say "leased \${address%%/*}" ;; esac
done
set -f
ip -4 -o route show 2>/dev/null | while read -r to rest; do
  device=
  set -- $rest
  while [ $# -gt 1 ]; do if [ "$1" = dev ]; then device=$2; fi; shift; done
  say "route $to $device"
done
set +f
release=$(uname -r)
is_built_in() {
  case "$1" in
    overlay) symbol=OVERLAY_FS ;;
    br_netfilter) symbol=BRIDGE_NETFILTER ;;
    *) symbol=$(printf '%s' "$1" | tr a-z A-Z) ;;
  esac
  if [ -r "$root/boot/config-$release" ]; then grep -q "^CONFIG_$symbol=y" "$root/boot/config-$release"
  elif [ -r "$root/proc/config.gz" ]; then gzip -dc "$root/proc/config.gz" 2>/dev/null | grep -q "^CONFIG_$symbol=y"
  else return 1
  fi
}
for module in ${MODULES.join(' ')}; do
  state=missing
  if [ -d "$root/sys/module/$module" ] || is_built_in "$module"; then state=there
  elif [ ! -d "$root/lib/modules/$release" ] || ! command -v modprobe >/dev/null 2>&1; then state=unknown
  elif modprobe -n -q "$module" 2>/dev/null; then state=there
  fi
  say "module $module $state"
done
for name in ${SYSCTLS.join(' ')}; do
  file="$root/proc/sys/$(printf '%s' "$name" | tr . /)"
  # Not the shell's own read: some read a byte at a time, and these files give only one answer.
  if [ -r "$file" ]; then say "sysctl $name $(cat "$file")"; fi
done
if command -v getent >/dev/null 2>&1 && getent passwd etcd >/dev/null 2>&1; then say 'etcd-user yes'; fi
for file in "$root/etc/default/rke2-$sp_role" "$root/etc/sysconfig/rke2-$sp_role" "$root/usr/local/lib/systemd/system/rke2-$sp_role.env"; do
  if [ ! -r "$file" ]; then continue; fi
  while IFS= read -r line || [ -n "$line" ]; do
    line=\${line#export }
    name=\${line%%=*}
    value=\${line#*=}
    value=\${value#[\\"\\']}
    value=\${value%[\\"\\']}
    case "$name" in
      HTTP_PROXY|HTTPS_PROXY|http_proxy|https_proxy|CONTAINERD_HTTP_PROXY|CONTAINERD_HTTPS_PROXY)
        if [ -n "$value" ]; then say "proxy $name"; fi ;;
      NO_PROXY|no_proxy|CONTAINERD_NO_PROXY) say "no-proxy $value" ;;
    esac
  done < "$file"
done
`;

const CLUSTER = `list() { for entry in "$1"/* "$1"/.[!.]*; do
  if [ -e "$entry" ] || [ -L "$entry" ]; then case " $2 " in *" \${entry##*/} "*) ;; *) say "left $(printf '%s' "\${entry#"$root"}" | encode)" ;; esac; fi
done; }
# What a plan places before it installs RKE2 is no leftover: manifests, image bundles, the kubelet's drop-in.
list "$root/var/lib/rancher" rke2
list "$root/var/lib/rancher/rke2" 'server agent'
list "$root/var/lib/rancher/rke2/server" manifests
list "$root/var/lib/rancher/rke2/agent" 'images etc'
list "$root/etc/rancher" rke2
list "$root/etc/cni/net.d" ''
list "$root/var/lib/cni" ''
if [ -e "$root/etc/rancher/rke2/rke2.yaml" ]; then say "left $(printf /etc/rancher/rke2/rke2.yaml | encode)"; fi
for name in ${INTERFACES.join(' ')}; do
  if [ -e "$root/sys/class/net/$name" ]; then say "left $(printf 'interface %s' "$name" | encode)"; fi
done
for file in "$root"/var/lib/rancher/rke2/agent/images/*; do
  if [ -f "$file" ]; then say "image $(printf '%s' "\${file##*/}" | encode)"; fi
done
if [ -s "$root/etc/rancher/node/password" ]; then say 'node-password yes'; fi
if [ -e "$root/var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml" ]; then say 'kube-proxy yes'; fi
etcd="$root/var/lib/rancher/rke2/server/db/etcd/config"
if [ -r "$etcd" ]; then
  while read -r name value _ || [ -n "$name" ]; do
    if [ "$name" = advertise-client-urls: ]; then say "etcd-address $value"; fi
  done < "$etcd"
fi
kubectl="$root/var/lib/rancher/rke2/bin/kubectl"
config="$root/etc/rancher/rke2/rke2.yaml"
if [ "$sp_role" = server ] && [ -x "$kubectl" ] && [ -r "$config" ]; then
  if names=$(within 10 "$kubectl" --kubeconfig "$config" --request-timeout=8s get nodes -o name 2>/dev/null </dev/null); then
    say 'cluster yes'
    printf '%s\\n' "$names" | while read -r name; do if [ -n "$name" ]; then say "cluster-node \${name#node/}"; fi; done
    ca="$root/var/lib/rancher/rke2/server/tls/server-ca.crt"
    if [ -n "$sp_registration" ]; then
      if command -v curl >/dev/null 2>&1; then
        curl -s -o /dev/null --noproxy '*' --max-time 5 --cacert "$ca" "https://$sp_registration:9345/ping" 2>/dev/null </dev/null
        say "registration $?"
      else say 'registration unknown'; fi
    fi
  fi
fi
if command -v tailscale >/dev/null 2>&1; then
  say "tailscale $(within 5 tailscale status --json --peers=false 2>/dev/null </dev/null | head -c 65536 | encode)"
  if command -v nft >/dev/null 2>&1 && nft list ruleset 2>/dev/null | grep -q 'cilium_host.*dport 41641.*drop'; then say 'tailscale-rule yes'; fi
fi
say end
`;

/**
 * Reads a host for the checks and changes nothing; run as root. Variables `sp_role` (server, agent, lb) and
 * `sp_registration` (address behind which the cluster answers, may be empty). One finding a line, `parseSurvey` reads
 * it; free text is base64. Each part fails on its own: a missing program leaves its lines out. `sp_root` is for tests.
 */
export const SURVEY_SCRIPT = `${PRELUDE}${DEVICES}${SYSTEM}${CLUSTER}`;
