import { EARLIEST_CERTIFICATE } from './earliest-certificate';

/** Units whose state is a fact, on every host. */
const UNITS = [
  'rke2-server.service',
  'rke2-agent.service',
  'k3s.service',
  'NetworkManager.service',
  'systemd-networkd.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
  'chrony.service',
  'chronyd.service',
  'nm-cloud-setup.service',
  'nm-cloud-setup.timer',
  'firewalld.service',
  'ufw.service',
  'nginx.service',
  'keepalived.service',
  'tailscaled.service',
];

/** Programs that the steps, RKE2 or Cilium call. */
const TOOLS = [
  'systemctl',
  'tar',
  'gzip',
  'sha256sum',
  'base64',
  'awk',
  'sed',
  'ip',
  'ss',
  'iptables',
  'modprobe',
  'mount',
  'mktemp',
];

/** Files above this size are told by size only. */
export const FACT_FILE_LIMIT_BYTES = 65_536;

/**
 * Reads a host and changes nothing; run as root. Variable `sp_paths`: absolute paths, one a line, whose files are
 * wanted whole. Output is one fact a line, `parseFacts` reads it; free text that may hold anything is base64. Each
 * part fails on its own: a missing program leaves its lines out. `sp_root` is for tests (see lib/steps/script.ts).
 */
export const FACTS_SCRIPT = `set -u
LC_ALL=C
PATH="\${sp_root:+$sp_root/bin:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
root=\${sp_root:-}
${EARLIEST_CERTIFICATE}say() { printf '%s\\n' "$*"; }
encode() { base64 | tr -d '\\n'; }
first_line() { line=; if [ -r "$1" ]; then IFS= read -r line < "$1" || :; fi; printf '%s' "$line"; }
now() {
  moment=$(date +%s%3N)
  case "$moment" in *[!0-9]*) moment=$(date +%s)500 ;; esac
  say "$1 $moment"
}
say 'siteplan-facts 1'
now begun
say "hostname $(uname -n)"
say "machine-id $(first_line "$root/etc/machine-id")"
say "boot-id $(first_line /proc/sys/kernel/random/boot_id)"
say "machine $(uname -m)"
say "kernel $(uname -r)"
if [ -r "$root/etc/os-release" ]; then
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in ID=*|VERSION_ID=*|PRETTY_NAME=*) say "os $line" ;; esac
  done < "$root/etc/os-release"
fi
if [ -d "$root/run/systemd/system" ]; then say 'systemd yes'; fi
say "cpus $(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
while read -r name value _; do
  case "$name" in MemTotal:|SwapTotal:) say "memory $name $value" ;; esac
done < /proc/meminfo
data="$root/var/lib"
for below in rancher rancher/rke2; do if [ -d "$root/var/lib/$below" ]; then data="$root/var/lib/$below"; fi; done
df -Pk "$data" 2>/dev/null | { read -r _; read -r _ _ _ free _ && say "data-free-kib $free"; }
ip -o addr show 2>/dev/null | while read -r _ interface family address _; do
  case "$family" in inet|inet6) say "address $interface $address" ;; esac
done
while read -r interface to _ _ _ _ _ mask _; do
  if [ "$to $mask" = '00000000 00000000' ]; then say "default-route $interface"; fi
done < /proc/net/route
resolvers() {
  while read -r name value _ || [ -n "$name" ]; do
    if [ "$name" = nameserver ]; then say "resolver $value"; fi
  done < "$1"
}
for file in "$root/etc/resolv.conf" "$root/run/systemd/resolve/resolv.conf"; do
  if [ -r "$file" ]; then resolvers "$file"; fi
done
ss -Hlntup 2>/dev/null | while read -r protocol _ _ _ address _ process; do
  say "listen $protocol $address $process"
done
if command -v systemctl >/dev/null 2>&1; then
  systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -- ${UNITS.join(' ')} 2>/dev/null |
    while IFS= read -r line; do say "unit $line"; done
fi
if grep -qs '^ENABLED=yes' "$root/etc/ufw/ufw.conf"; then say 'ufw-enabled yes'; fi
for tool in ${TOOLS.join(' ')}; do
  command -v "$tool" >/dev/null 2>&1 || say "missing $tool"
done
command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || say 'missing curl or wget'
if [ "$(first_line /sys/module/apparmor/parameters/enabled)" = Y ]; then
  command -v apparmor_parser >/dev/null 2>&1 || say 'missing apparmor_parser'
fi
case "$(first_line "$root/sys/fs/selinux/enforce")" in
  1)
    mode='selinux enforcing'
    if command -v rpm >/dev/null 2>&1 && rpm -q rke2-selinux >/dev/null 2>&1; then mode="$mode with rke2-selinux"; fi
    # What a load balancer needs: semanage keeps its ports in ports.local, and a boolean reads "current pending".
    ports=$(cat "$root"/var/lib/selinux/*/active/ports.local "$root"/etc/selinux/*/active/ports.local 2>/dev/null | grep -E '^portcon tcp (6443|9345) [^ ]*:http_port_t:' | sort -u | wc -l)
    case "$((ports)) $(first_line "$root/sys/fs/selinux/booleans/httpd_can_network_connect")" in '2 1'*) mode="$mode with nginx ports" ;; esac
    say "$mode" ;;
  0) say 'selinux permissive' ;;
  *) say 'selinux absent' ;;
esac
for file in "$root/usr/local/bin/rke2" "$root/opt/rke2/bin/rke2" "$root/usr/bin/rke2"; do
  if [ -x "$file" ]; then "$file" --version 2>/dev/null </dev/null | { IFS= read -r line && say "rke2 $line"; }; break; fi
done
if [ -d "$root/var/lib/rancher/rke2/server/db" ]; then say 'etcd-data yes'; fi
certificates=$(earliest_certificate "$root/var/lib/rancher/rke2")
if [ -n "$certificates" ]; then say "certificate-days $(((certificates - $(date +%s)) / 86400))"; fi
kubectl="$root/var/lib/rancher/rke2/bin/kubectl"
config="$root/etc/rancher/rke2/rke2.yaml"
format='{range .items[*]}{.metadata.name} control-plane={.metadata.labels.node-role\\.kubernetes\\.io/control-plane} etcd={.metadata.labels.node-role\\.kubernetes\\.io/etcd} voter={.status.conditions[?(@.type=="EtcdIsVoter")].status}{"\\n"}{end}'
if [ -x "$kubectl" ] && [ -f "$config" ]; then
  limit=
  if command -v timeout >/dev/null 2>&1; then limit='timeout 15'; fi
  $limit "$kubectl" --kubeconfig "$config" --cache-dir "$root/run/siteplan-kube-cache" --request-timeout=5s get nodes -o jsonpath="$format" 2>/dev/null </dev/null |
    head -n 2000 | while IFS= read -r line; do say "cluster-node $line"; done
fi
for file in "$root"/etc/rancher/rke2/config.yaml.d/*; do
  if [ -f "$file" ]; then say "drop-in $(printf '%s' "\${file##*/}" | encode)"; fi
done
for file in "$root"/var/lib/siteplan-host/stamps/*; do
  if [ -f "$file" ]; then say "stamp \${file##*/} $(first_line "$file")"; fi
done
printf '%s\\n' "$sp_paths" | while IFS= read -r path; do
  if [ -z "$path" ]; then continue; fi
  if [ -f "$root$path" ] && [ ! -L "$root$path" ]; then
    size=$(($(wc -c < "$root$path")))
    content=-
    if [ "$size" -le ${FACT_FILE_LIMIT_BYTES} ]; then content=$(encode < "$root$path"); fi
    say "file $(printf '%s' "$path" | encode) $(stat -c '%a %U %G' -- "$root$path") =$content"
  elif [ -e "$root$path" ] || [ -L "$root$path" ]; then
    say "file $(printf '%s' "$path" | encode) 0 unknown unknown =-"
  else
    say "no-file $(printf '%s' "$path" | encode)"
  fi
done
now ended
say end
`;
