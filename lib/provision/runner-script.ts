/**
 * The runner: the one POSIX sh program through which every acting step goes on a host. It stands in root's own
 * directory and outlives the worker, its connection and its epoch; so the fence is here (DESIGN.md, "Plan and run").
 *
 *   siteplan-host/            0700
 *     runner-HASH             this text; one per version, so that a running act keeps its own
 *     lock                    held while something is decided, never while an act runs
 *     fence                   "INSTALLATION EPOCH"; lower epochs and other installations are refused
 *     acts/KEY/               KEY is run, step and attempt; a key never starts twice
 *       params script input   what to do (0600); gone at the end
 *       boot                  "BOOT-ID PID START MODE", linked in place by the one `exec` that won
 *       child                 "GROUP START", process group of the act
 *       journal               standard output and error of the act
 *       cancel                somebody asked for the end
 *       exit                  "CODE exit|timeout|cancel", the last thing written, synced
 *
 *   absent ──start──▶ ready ──exec──▶ running ──▶ finished
 *                       │               └─ no exit file and no process, or another boot id ──▶ interrupted
 *                       └────────── start again: the same act, once
 *
 * Sourced by a framed shell with `set -- SUBCOMMAND ...` (then `sp_` variables are set) or run as `sh runner exec`.
 */
export const RUNNER_SCRIPT = `set -u
LC_ALL=C
export LC_ALL
journal_limit=\${SITEPLAN_JOURNAL_LIMIT:-268435456}
grace_s=\${SITEPLAN_GRACE_S:-10}

settle() { sync "$@" 2>/dev/null || sync; }
die() { code=$1; shift; printf '%s\\n' "$*" >&2; exit "$code"; }
boot_id() {
  boot_file="$root/proc/sys/kernel/random/boot_id"
  [ -r "$boot_file" ] || boot_file=/proc/sys/kernel/random/boot_id
  read -r now_boot < "$boot_file" || now_boot=unknown
}
start_of() {
  started=
  if read -r stat 2>/dev/null < "/proc/$1/stat"; then
    stat=\${stat##*) }
    set -- $stat
    case $1 in Z|X) ;; *) started=\${20:-} ;; esac
  fi
}
read_boot() { act_boot= act_pid= act_start= act_mode=; [ -f "$1/boot" ] && read -r act_boot act_pid act_start act_mode < "$1/boot"; }
size_of() { size=0; [ -f "$1/journal" ] && size=$(($(wc -c < "$1/journal"))); }
group_of() { group= group_start=; [ -f "$1/child" ] && read -r group group_start < "$1/child"; case $group in ''|0|1|*[!0-9]*) group=;; esac; }
write_new() { cat > "$1.new" && settle "$1.new" && mv -f "$1.new" "$1"; }

# state_of DIR: absent, ready, running, finished or interrupted; also sets code, reason, rebooted.
state_of() {
  code=- reason=- rebooted=0
  if [ ! -d "$1" ]; then state=absent; return; fi
  if [ -f "$1/exit" ]; then state=finished; read -r code reason < "$1/exit"; return; fi
  read_boot "$1"
  if [ -z "$act_boot" ]; then state=ready; return; fi
  boot_id
  if [ "$act_boot" != "$now_boot" ]; then state=interrupted rebooted=1; return; fi
  start_of "$act_pid"
  if [ -n "$started" ] && [ "$started" = "$act_start" ]; then state=running; return; fi
  # The exit file may have come between the two looks.
  if [ -f "$1/exit" ]; then state=finished; read -r code reason < "$1/exit"; return; fi
  state=interrupted
}
say() { size_of "$1"; boot_id; printf 'state=%s code=%s reason=%s size=%s rebooted=%s boot=%s\\n' "$state" "$code" "$reason" "$size" "$rebooted" "$now_boot"; }

take_lock() {
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$base/lock" || die 78 "cannot write in $base"
    flock -w 20 9 || die 77 "another program holds the lock of $base"
    return
  fi
  tries=0
  until mkdir "$base/lock.d" 2>/dev/null; do
    holder= held_boot=
    [ -f "$base/lock.d/holder" ] && read -r holder held_boot < "$base/lock.d/holder"
    boot_id
    if [ -n "$holder" ] && { [ "$held_boot" != "$now_boot" ] || ! kill -0 "$holder" 2>/dev/null; }; then rm -rf "$base/lock.d"; continue; fi
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || die 77 "another program holds the lock of $base"
    sleep 1
  done
  boot_id
  printf '%s %s\\n' "$$" "$now_boot" > "$base/lock.d/holder"
  trap 'rm -rf "$base/lock.d"' EXIT
}
drop_lock() { exec 9>&-; if [ -d "$base/lock.d" ]; then rm -rf "$base/lock.d"; trap - EXIT; fi; }

# Refuses an older epoch and another installation; raises the fence, synced, before anything else happens.
pass_fence() {
  fence_owner= fence_epoch=
  [ -f "$base/fence" ] && read -r fence_owner fence_epoch < "$base/fence"
  if [ -n "$fence_owner" ]; then
    [ "$fence_owner" = "$sp_installation" ] || die 76 "the host belongs to the installation $fence_owner"
    [ "$sp_epoch" -ge "$fence_epoch" ] || die 75 "epoch $sp_epoch is older than $fence_epoch"
  fi
  if [ "$fence_epoch" != "$sp_epoch" ]; then
    printf '%s %s\\n' "$sp_installation" "$sp_epoch" | write_new "$base/fence" || die 78 "cannot write $base/fence"
    settle "$base"
  fi
}

remove_inputs() { rm -f "$1/input" "$1/params" "$1/script"; }

# Ends what may be left of an act whose leader is gone, so that nothing of it runs beside the next one.
bury() {
  group_of "$1"
  if [ -n "$group" ]; then
    start_of "$group"
    # Another start time: the number belongs to somebody else by now.
    if [ -z "$started" ] || [ "$started" = "$group_start" ]; then kill -KILL "-$group" 2>/dev/null; fi
  fi
  remove_inputs "$1"
}

launch() {
  if [ "\${SITEPLAN_DETACH:-}" != setsid ] && [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    for type in exec simple; do
      systemd-run --quiet --collect --unit="siteplan-act-$1.service" --property="Type=$type" \\
        --property=KillMode=control-group --property=SendSIGKILL=yes --property="TimeoutStopSec=$grace_s" \\
        --property="RuntimeMaxSec=$((sp_limit_s + 120))" -- /bin/sh "$runner" exec "$root" "$1" systemd "$sp_limit_s" 9>&- && return 0
      # It is there: an earlier start of the same act got this far.
      systemctl --quiet is-active "siteplan-act-$1.service" && return 0
    done
    die 78 "systemd did not start the act"
  fi
  command -v setsid >/dev/null 2>&1 || die 78 "neither systemd nor setsid is there to start the act"
  setsid sh "$runner" exec "$root" "$1" setsid "$sp_limit_s" </dev/null >/dev/null 2>&1 9>&- &
}

do_start() {
  key=$1 act="$base/acts/$1"
  take_lock
  pass_fence
  for other in "$base"/acts/*/; do
    other=\${other%/}
    [ -d "$other" ] || continue
    if [ -f "$other/exit" ]; then
      [ ! -e "$other/input" ] || remove_inputs "$other"
      continue
    fi
    [ "$other" = "$act" ] && continue
    state_of "$other"
    case $state in
      running) die 77 "the act \${other##*/} still runs on this host" ;;
      interrupted) bury "$other" ;;
      ready)
        # Its start died before it began. It may still be on its way: it looks for this file after its own mark.
        : > "$other/cancel"
        state_of "$other"
        [ "$state" != running ] || die 77 "the act \${other##*/} still runs on this host"
        remove_inputs "$other"
        ;;
    esac
  done
  state_of "$act"
  if [ "$state" = interrupted ]; then bury "$act"; fi
  if [ "$state" = absent ]; then
    rm -rf "$base/acts/.new"
    mkdir "$base/acts/.new" && printf '%s' "$sp_params" > "$base/acts/.new/params" &&
      printf '%s' "$sp_script" > "$base/acts/.new/script" && cat > "$base/acts/.new/input" &&
      : > "$base/acts/.new/journal" && settle "$base/acts/.new/params" "$base/acts/.new/script" "$base/acts/.new/input" &&
      mv "$base/acts/.new" "$act" || die 78 "cannot write in $base/acts"
    settle "$base/acts"
    state=ready
  fi
  if [ "$state" = ready ]; then
    launch "$key"
    waited=0
    while [ ! -f "$act/boot" ] && [ "$waited" -lt 500 ]; do
      waited=$((waited + 1))
      sleep 0.01 2>/dev/null || sleep 1
    done
    state_of "$act"
    [ "$state" != ready ] || die 78 "the act did not start"
  fi
  drop_lock
  say "$act"
}

do_exec() {
  key=$1 mode=$2 limit_s=$3 act="$base/acts/$1"
  umask 077
  cd "$act" || exit 70
  boot_id
  start_of $$
  printf '%s %s %s %s\\n' "$now_boot" $$ "$started" "$mode" > "boot.$$" || exit 73
  # A link never replaces: of two starts of the same act one goes on.
  ln "boot.$$" boot 2>/dev/null || { rm -f "boot.$$"; exit 0; }
  rm -f "boot.$$"
  settle boot .
  if [ -f cancel ]; then finish 143 cancel; fi
  trap 'stopped=1' TERM INT HUP
  stopped=0
  (
    umask 022
    trap - TERM INT HUP
    cd /
    exec setsid sh -c '. "$1/params"; . "$1/script"' siteplan-act "$act"
  ) < input >> journal 2>&1 &
  child=$!
  start_of "$child"
  printf '%s %s\\n' "$child" "$started" > child.new
  mv -f child.new child
  watch_act "$child" "$limit_s" &
  watcher=$!
  code=143
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  # Not TERM: a subshell that has only just begun may still hold our trap and live on.
  kill -KILL "$watcher" 2>/dev/null
  cut_journal
  # Told to stop by nobody of ours: the host goes down. Without an exit file the act counts as interrupted.
  if [ "$stopped" = 1 ] && [ ! -f cancel ] && [ ! -f timeout ]; then remove_inputs .; exit 143; fi
  kill -KILL "-$child" 2>/dev/null
  if [ -f cancel ]; then finish "$code" cancel; fi
  if [ -f timeout ]; then finish 124 timeout; fi
  finish "$code" exit
}

finish() {
  remove_inputs .
  printf '%s %s\\n' "$1" "$2" > exit.new
  settle journal exit.new
  mv -f exit.new exit
  settle .
  exit 0
}

# Room for the mark itself is left above the limit, so that a cut journal is not cut again.
cut_journal() {
  size_of .
  if [ "$size" -gt $((journal_limit + 200)) ]; then
    truncate -s "$journal_limit" journal
    printf '\\n[siteplan: output beyond %s bytes was cut]\\n' "$journal_limit" >> journal
  fi
}

# Beside the act: holds the journal to its limit, and ends the act when its time is up.
watch_act() {
  trap - TERM INT HUP
  ticks=0
  while sleep 1; do
    # The leader is gone: nothing to watch, and the number of the group may be somebody else's.
    start_of $$
    if [ -f exit ] || [ -z "$started" ]; then exit 0; fi
    cut_journal
    ticks=$((ticks + 1))
    if [ "$ticks" -eq "$2" ]; then : > timeout; kill -TERM "-$1" 2>/dev/null; fi
    if [ "$ticks" -ge $(($2 + grace_s)) ]; then kill -KILL "-$1" 2>/dev/null; fi
  done
}

do_status() {
  state_of "$base/acts/$1"
  if [ "$state" = interrupted ] && [ "$rebooted" = 0 ]; then bury "$base/acts/$1"; fi
  say "$base/acts/$1"
}

# Bytes of the journal from an offset on, until the act has ended and all are out; then, on standard error, where it
# stands. Waits grow while nothing comes.
do_follow() {
  act="$base/acts/$1" offset=$2 wait_ms=10
  while :; do
    state_of "$act"
    size_of "$act"
    # What is above the limit may still be cut, so it waits for the end.
    if [ "$state" = running ] && [ "$size" -gt "$journal_limit" ]; then size=$journal_limit; fi
    if [ "$size" -gt "$offset" ]; then
      tail -c "+$((offset + 1))" "$act/journal" | head -c "$((size - offset))" || exit 74
      offset=$size wait_ms=10
      continue
    fi
    case $state in finished|interrupted|absent) say "$act" >&2; exit 0 ;; esac
    sleep "0.$(printf '%03d' "$wait_ms")" 2>/dev/null || sleep 1
    wait_ms=$((wait_ms * 3 / 2))
    [ "$wait_ms" -lt 250 ] || wait_ms=250
  done
}

do_cancel() {
  act="$base/acts/$1"
  take_lock
  pass_fence
  state_of "$act"
  if [ "$state" = absent ] || [ "$state" = finished ]; then say "$act"; return; fi
  : > "$act/cancel"
  settle "$act/cancel"
  drop_lock
  read_boot "$act"
  group_of "$act"
  [ "$state" != running ] || [ -z "$group" ] || kill -TERM "-$group" 2>/dev/null
  waited=0
  while [ "$state" = running ] && [ "$waited" -lt $((grace_s * 10)) ]; do
    sleep 0.1 2>/dev/null || { sleep 1; waited=$((waited + 9)); }
    waited=$((waited + 1))
    group_of "$act"
    [ "$waited" -ne 1 ] || [ -z "$group" ] || kill -TERM "-$group" 2>/dev/null
    state_of "$act"
  done
  if [ "$act_mode" = systemd ]; then systemctl stop "siteplan-act-$1.service" 2>/dev/null; fi
  if [ "$state" = running ]; then
    group_of "$act"
    [ -z "$group" ] || kill -KILL "-$group" 2>/dev/null
    waited=0
    while [ "$state" = running ] && [ "$waited" -lt 30 ]; do
      sleep 0.1 2>/dev/null || sleep 1
      waited=$((waited + 1))
      state_of "$act"
    done
    [ "$state" != running ] || { kill -KILL "-$act_pid" 2>/dev/null; state=interrupted; }
  fi
  if [ "$state" != finished ]; then
    bury "$act"
    [ -f "$act/exit" ] || printf '137 cancel\\n' | write_new "$act/exit"
    settle "$act"
  fi
  state_of "$act"
  say "$act"
}

# Removes the acts of one run that have ended, and runners of other versions that nothing uses.
do_clean() {
  take_lock
  pass_fence
  for act in "$base"/acts/"$1".*/; do
    act=\${act%/}
    [ -d "$act" ] || continue
    state_of "$act"
    case $state in finished|interrupted|ready) rm -rf "$act" ;; esac
  done
  if [ -z "$(ls -A "$base/acts")" ]; then
    for old in "$base"/runner-*; do [ "$old" = "$runner" ] || rm -f "$old"; done
  fi
  drop_lock
}

case $1 in
  exec) runner=$0 root=$2 base="$2/var/lib/siteplan-host"; do_exec "$3" "$4" "$5" ;;
  *)
    umask 077
    root=\${sp_root:-} base="\${sp_root:-}/var/lib/siteplan-host" runner=$sp_runner
    case $1 in
      fence) take_lock; pass_fence; drop_lock; boot_id; printf '%s\\n' "$now_boot" ;;
      start) do_start "$2" ;;
      status) do_status "$2" ;;
      follow) do_follow "$2" "$3" ;;
      cancel) do_cancel "$2" ;;
      clean) do_clean "$2" ;;
      *) die 64 "unknown command $1" ;;
    esac
    ;;
esac
`;
