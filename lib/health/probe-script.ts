import { PERL_DIAL, PERL_LISTEN, PERL_SYNC } from './probe-perl';
import { PYTHON_DIAL, PYTHON_LISTEN, PYTHON_SYNC } from './probe-python';

/*
 * What a host runs so that hosts can be dialled from each other. The programs are short, in Python or Perl, because no
 * program for it is on every distribution: RHEL and its kin have Python (their package manager is written in it), Debian
 * and Ubuntu always have Perl's base. A host with neither says `no-means`, and its cells say unknown.
 */

const PRELUDE = `set -u
LC_ALL=C
PATH="\${sp_root:+$sp_root/bin:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
root=\${sp_root:-}
python=
for one in python3 "$root/usr/libexec/platform-python"; do
  if [ -z "$python" ] && "$one" -c 'import select, socket, struct' </dev/null >/dev/null 2>&1; then python=$one; fi
done
perl=
if [ -z "$python" ] && perl -MSocket -MPOSIX -MFcntl -e 1 </dev/null >/dev/null 2>&1; then perl=perl; fi
if [ -z "$python$perl" ]; then means=none; else means=some; fi
`;

/**
 * Listens on `sp_spec` (lines `PROTOCOL ADDRESS PORT`; tcp, udp or vrrp) and answers every caller with `sp_token`, by udp
 * and vrrp only who sent it, and with a `!` behind it. A port in use is tried for a moment: a listener of a worker that died
 * may be on its way out. Prints `pid NUMBER`, `listening|taken|failed PROTOCOL PORT` a line each, `ready`, then a dot a second.
 * Ends by itself after `sp_seconds`, when its output is closed, or when the session that started it is gone. Writes no file.
 */
export const LISTEN_SCRIPT = `${PRELUDE}if [ $means = none ]; then echo no-means; exit 0; fi
SP_SPEC=$sp_spec SP_TOKEN=$sp_token SP_SECONDS=$sp_seconds
export SP_SPEC SP_TOKEN SP_SECONDS
if [ -n "$python" ]; then exec "$python" -c '${PYTHON_LISTEN}'; fi
exec "$perl" -e '${PERL_LISTEN}'
`;

/**
 * Ends the listener with the number `sp_pid`, if that process has `sp_token` in its environment: the number is the host's own
 * word. Returns once it is gone, or after three seconds.
 */
export const END_LISTENER_SCRIPT = `set -u
case $sp_pid in ''|*[!0-9]*) exit 0 ;; esac
if tr '\\0' '\\n' < "/proc/$sp_pid/environ" 2>/dev/null | grep -qx "SP_TOKEN=$sp_token"; then kill "$sp_pid" 2>/dev/null; fi
tries=0
while [ -d "/proc/$sp_pid" ] && [ "$tries" -lt 30 ]; do
  sleep 0.1 2>/dev/null || sleep 1
  tries=$((tries + 1))
done
`;

/**
 * Dials the lines on standard input, `ID PROTOCOL SOURCE TARGET PORT WORD`: for tcp, udp and vrrp the word is the token that
 * the listener answers with (- for a tcp port that the real program holds), for icmp the size of the echo, which
 * must not be cut into pieces above 56 bytes. Prints `ID STATE` a line each, then `end`. Each dial lasts `sp_wait` seconds at most.
 * With `sp_arp` an address, prints who the kernel found behind it: `arp MAC`, or `arp -`. Writes no file.
 */
export const DIAL_SCRIPT = `${PRELUDE}if [ $means = none ]; then echo no-means; exit 0; fi
SP_WAIT=$sp_wait
export SP_WAIT
if [ -n "$python" ]; then "$python" -c '${PYTHON_DIAL}'; else "$perl" -e '${PERL_DIAL}'; fi
if [ -n "$sp_arp" ]; then
  while read -r address _ flags mac _; do
    if [ "$address" = "$sp_arp" ]; then case "$flags" in 0x0) echo 'arp -' ;; *) echo "arp $mac" ;; esac; fi
  done < /proc/net/arp
fi
`;

/**
 * Times `sp_count` synced writes of 2,300 bytes (the size of etcd's log entries in the etcd project's own disk test) on
 * the file system of RKE2's data, for at most `sp_seconds`. The file is at most a few MiB, has no name while it is written, and is
 * gone however this ends. Prints `sync COUNT P99 MAX` in microseconds, or `bound COUNT P99 MAX` where only dd is there and each
 * time holds the start of a program, or `no-room`.
 */
export const DISK_SPEED_SCRIPT = `${PRELUDE}data="$root/var/lib"
for below in rancher rancher/rke2 rancher/rke2/server/db; do if [ -d "$root/var/lib/$below" ]; then data="$root/var/lib/$below"; fi; done
free=$(df -Pk "$data" 2>/dev/null | { read -r _; read -r _ _ _ free _ && printf '%s' "$free"; }) || free=0
case $free in ''|*[!0-9]*) free=0 ;; esac
if [ "$free" -lt 102400 ]; then echo no-room; exit 0; fi
file=$(mktemp "$data/.siteplan-preflight.XXXXXXXX") || { echo no-room; exit 0; }
trap 'rm -f "$file"' EXIT
trap 'exit 1' HUP INT TERM PIPE
if [ $means = some ]; then
  SP_FILE=$file SP_COUNT=$sp_count SP_SECONDS=$sp_seconds
  export SP_FILE SP_COUNT SP_SECONDS
  if [ -n "$python" ]; then "$python" -c '${PYTHON_SYNC}'; else "$perl" -e '${PERL_SYNC}'; fi
  exit
fi
now() { date +%s%6N; }
case "$(now)" in *[!0-9]*) echo no-means; exit 0 ;; esac
times=
count=0
end=$(($(now) + sp_seconds * 1000000))
while [ "$count" -lt 200 ] && [ "$(now)" -lt "$end" ]; do
  begun=$(now)
  dd if=/dev/zero of="$file" bs=2300 count=1 seek="$count" conv=notrunc oflag=dsync 2>/dev/null || { echo no-means; exit 0; }
  times="$times$(($(now) - begun))
"
  count=$((count + 1))
done
sorted=$(printf '%s' "$times" | sort -n)
at=$(((count * 99 + 99) / 100))
echo "bound $count $(printf '%s\\n' "$sorted" | sed -n "\${at}p") $(printf '%s\\n' "$sorted" | tail -n 1)"
`;
