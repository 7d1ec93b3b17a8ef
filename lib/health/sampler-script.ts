import type { Role } from '@/lib/topology/topology';
import { EARLIEST_CERTIFICATE } from './earliest-certificate';

/** Units that the sampler tells, per role. */
const UNITS: Readonly<Record<Role, readonly string[]>> = {
  server: ['rke2-server.service'],
  agent: ['rke2-agent.service'],
  lb: ['nginx.service', 'keepalived.service'],
};

export interface SamplerOptions {
  readonly role: Role;
  /** Name of the Kubernetes Node. */
  readonly nodeName: string;
  readonly intervalS: number;
  /** Slower readings (API server, Node, etcd, disk use, clock) come each so many intervals; 6 by default. */
  readonly slowEvery?: number;
  /** The earliest certificate's end comes each so many slow readings; 10 by default. */
  readonly certificatesEvery?: number;
}

/** The variables of `SAMPLER_SCRIPT`. */
export function toSamplerVariables(options: SamplerOptions): Readonly<Record<string, string>> {
  return {
    role: options.role,
    node_name: options.nodeName,
    units: UNITS[options.role].join(' '),
    interval_s: String(options.intervalS),
    slow_every: String(options.slowEvery ?? 6),
    certificates_every: String(options.certificatesEvery ?? 10),
  };
}

/**
 * Ports of interest as the hexadecimal of /proc/net/tcp, because not every awk reads hexadecimal: 6443, 9345, 10250,
 * 2379, 2380, 4240, 4244, 80, 443.
 */
const PORTS = '192B=6443 2481=9345 280A=10250 094B=2379 094C=2380 1090=4240 1094=4244 0050=80 01BB=443';

/** What one tick reads from /proc in one process; prints counters, the shell makes rates of them. */
const AWK = `
  BEGIN {
    count = split("${PORTS}", pairs, " ")
    for (i = 1; i <= count; i++) { split(pairs[i], pair, "="); name[pair[1]] = pair[2] }
    rx = tx = total = idle = writes = ms = 0
  }
  FILENAME == "/proc/stat" { if ($1 == "cpu") { for (i = 2; i <= 9; i++) total += $i; idle = $5 + $6 } next }
  FILENAME == "/proc/meminfo" { if ($1 == "MemTotal:") memory = $2; if ($1 == "MemAvailable:") available = $2; next }
  FILENAME == "/proc/loadavg" { load = $1; next }
  FILENAME == "/proc/uptime" { uptime = int($1); hundredths = int($1 * 100); next }
  FILENAME == "/proc/net/dev" {
    sub(":", " ")
    if ($1 ~ /^(lo|lxc|cilium|veth|docker|cni|flannel|cali|vxlan|Inter-|face)/) next
    rx += $2; tx += $10; next
  }
  FILENAME == "/proc/diskstats" { if ($3 == disk) { writes = $8; ms = $11 } next }
  FILENAME ~ /tcp6?$/ {
    if ($4 != "0A") next
    split($2, local, ":"); port = local[length(local)]
    if (port in name && !(port in seen)) { seen[port] = 1; ports = ports (ports == "" ? "" : ",") name[port] }
  }
  END {
    printf "%.0f %.0f %.0f %.0f %s %.0f %.0f %.0f %.0f %.0f %.0f %s", total, idle, memory, available, load, uptime, hundredths, rx, tx, writes, ms, ports
  }`;

/**
 * Prints one line per interval until its output is closed; changes nothing but a directory of its own in /run, which
 * goes at its end. Per tick: one sleep, one awk, one date, one systemctl. Slower readings run beside it, so that a hanging API
 * server delays no line. Line format: `lib/health/sample-line.ts`.
 */
export const SAMPLER_SCRIPT = `set -u
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
for number in "$sp_interval_s" "$sp_slow_every" "$sp_certificates_every"; do
  case "$number" in ''|0*|*[!0-9]*) printf 'siteplan-failure internal a number of the sampler is none\\n' >&2; exit 2 ;; esac
done
work=$(mktemp -d /run/siteplan-sampler.XXXXXX 2>/dev/null || mktemp -d /tmp/siteplan-sampler.XXXXXX) || exit 3
trap 'rm -rf "$work"' EXIT
trap 'exit 0' HUP INT PIPE TERM
read -r boot < /proc/sys/kernel/random/boot_id
files=
for file in /proc/stat /proc/meminfo /proc/loadavg /proc/uptime /proc/net/dev /proc/diskstats /proc/net/tcp /proc/net/tcp6; do
  if [ -r "$file" ]; then files="$files $file"; fi
done
source=$(df -P /var/lib 2>/dev/null | { read -r _; read -r name _ && printf '%s' "$name"; })
case "$source" in /dev/*) disk=$(readlink -f "$source"); disk=\${disk##*/} ;; *) disk=- ;; esac
plain() { printf '%s' "$1" | tr -cd 'A-Za-z0-9.,:_-' | cut -c 1-80; }

rke2=/var/lib/rancher/rke2
admin() { "$rke2/bin/kubectl" --kubeconfig "$config" --request-timeout=3s "$@" 2>/dev/null; }
${EARLIEST_CERTIFICATE}read_certificates() {
  earliest=$(earliest_certificate "$rke2")
  if [ -n "$earliest" ]; then printf ' cert=%s' "$earliest"; fi
}
read_api() {
  tls=$rke2/server/tls
  if command -v curl >/dev/null 2>&1; then
    code=$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 3 --cacert "$tls/server-ca.crt" \\
      --cert "$tls/client-admin.crt" --key "$tls/client-admin.key" https://127.0.0.1:6443/readyz 2>/dev/null)
    printf ' api=%s' "$(plain "\${code:-0}")"
    health=$(curl -s --noproxy '*' --max-time 2 'http://127.0.0.1:2381/health?serializable=true' 2>/dev/null)
    case "$health" in *'"health":"true"'*) printf ' etcd=1' ;; *) printf ' etcd=0' ;; esac
    curl -s --noproxy '*' --max-time 3 http://127.0.0.1:2381/metrics 2>/dev/null | while read -r name value; do
      case "$name" in
        etcd_server_has_leader) printf ' etcd_has_leader=%s' "$(plain "$value")" ;;
        etcd_server_is_leader) printf ' etcd_is_leader=%s' "$(plain "$value")" ;;
      esac
    done
  elif [ "$(admin get --raw=/readyz)" = ok ]; then printf ' api=200'
  else printf ' api=0'
  fi
}
read_node() {
  if [ ! -x "$rke2/bin/kubectl" ] || [ ! -f "$config" ]; then return 0; fi
  ready=$(admin get --raw="/api/v1/nodes/$sp_node_name" | tr -d ' \\n' | sed -n 's/.*"type":"Ready","status":"\\([A-Za-z]*\\)".*/\\1/p')
  printf ' ready=%s' "$(plain "\${ready:-none}")"
}
slow() {
  printf 'read=%s disk=%s' "$(date +%s)" "$(df -Pk /var/lib | { read -r _; read -r _ size used free _; printf '%s,%s,%s' "$size" "$used" "$free"; })"
  case "$sp_role" in
    server) config=/etc/rancher/rke2/rke2.yaml; read_api; read_node ;;
    agent) config=$rke2/agent/kubelet.kubeconfig; read_node ;;
  esac
  # In a file, not a variable: the next reading may begin before the loop has seen this one.
  if [ "$1" = yes ]; then read_certificates > "$work/certificates"; fi
  certificates=
  IFS= read -r certificates < "$work/certificates" || :
  printf '%s' "$certificates"
}
refresh() {
  : > "$work/busy"
  (slow "$1" > "$work/new" </dev/null 2>/dev/null && mv -f "$work/new" "$work/slow"; rm -f "$work/busy") &
}
tick=0
slow_ticks=0
seen_slow=
slow_at=
before=
while :; do
  if [ "$((tick % sp_slow_every))" = 0 ] && [ ! -e "$work/busy" ]; then
    if [ "$((slow_ticks % sp_certificates_every))" = 0 ]; then refresh yes; else refresh no; fi
    slow_ticks=$((slow_ticks + 1))
  fi
  set -- $(awk -v "disk=$disk" '${AWK}' $files 2>/dev/null)
  if [ "$#" -ge 11 ]; then
    clock=$(date +%s%3N)
    case "$clock" in *[!0-9]*) clock=$(date +%s)500 ;; esac
    line="clock=$clock boot=$boot uptime=$6 load=$5 memory=$3,$4"
    if [ -n "$before" ]; then line="$line cpu=$(($1 - total)),$(($2 - idle)) net=$(($8 - rx)),$(($9 - tx)),$(($7 - hundredths)) writes=$((\${10} - writes)),$((\${11} - ms))"; fi
    before=yes total=$1 idle=$2 hundredths=$7 rx=$8 tx=$9 writes=\${10} ms=\${11} now=$6
    line="$line ports=\${12:-}"
    if [ -f "$work/slow" ]; then
      IFS= read -r found < "$work/slow" || :
      if [ "$found" != "$seen_slow" ]; then
        seen_slow=$found slow_at=$now
      fi
      line="$line slow_age=$((now - slow_at)) $found"
    fi
    states=
    id=
    while IFS= read -r property; do
      case "$property" in
        Id=*) id=\${property#Id=} ;;
        ActiveState=*) active=\${property#ActiveState=} ;;
        '') if [ -n "$id" ]; then states="$states unit:$id=$active" id=; fi ;;
      esac
    done <<END
$(systemctl show -p Id -p ActiveState -- $sp_units 2>/dev/null)

END
    printf 'siteplan-sample 1 disk_name=%s interval=%s %s%s\\n' "$(plain "$disk")" "$sp_interval_s" "$line" "$states" || exit 0
  fi
  tick=$((tick + 1))
  sleep "$sp_interval_s"
done
`;
