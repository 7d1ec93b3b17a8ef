import { RUNNER_ACTS } from './runner-acts';
import { RUNNER_CALLS } from './runner-calls';
import { RUNNER_STARTS } from './runner-starts';

/**
 * The runner: the one POSIX sh program through which every acting step goes on a host. It stands in root's own
 * directory and outlives the worker, its connection and its epoch; so the fence is here (DESIGN.md, "Plan and run").
 *
 *   siteplan-host/            0700
 *     runner-HASH             this text; one per version, so that a running act keeps its own
 *     lock                    held while something is decided, never while an act runs
 *     fence                   "INSTALLATION EPOCH"; lower epochs and other installations are refused
 *     current                 key of the act that was started last: the only one that can be running
 *     keeper.HASH             "BOOT-ID PID START CGROUP" of the service in whose cgroup acts run
 *     shells.HASH             "PID START SESSION" of our shells that are in there as well
 *     acts/KEY/               KEY is run, step and attempt; a key never starts twice
 *       todo input            what to do (0600); empty at the end
 *       boot                  "BOOT-ID PID START MODE LIMIT RUNNER", made by the one `exec` that won, synced
 *       child                 "GROUP START", process group of the act where it has no cgroup
 *       journal               standard output and error of the act
 *       cancel, timeout       somebody asked for the end
 *       exit                  "CODE exit|timeout|cancel", the last thing written, synced
 *
 *   absent ──start──▶ ready ──exec──▶ running ──▶ finished
 *                       │               └─ no exit file and no process, or another boot id ──▶ interrupted
 *                       └────────── start again: the same act, once
 *
 * An act runs while its `exec` runs, so its end is told only once it is synced. Directories of release 0.1 are read
 * as well: they hold `params` and `script` in place of `todo`.
 *
 * Sourced by a framed shell with `set -- SUBCOMMAND ...` (then `sp_` variables are set) or run as `sh runner exec|keep`.
 * Every process costs a host more than all the rest of a step: what a builtin can do is done by a builtin, and what
 * runs for each act stands before the functions that it does not need.
 */
const COMMON = `set -u
LC_ALL=C
export LC_ALL
umask 077
journal_limit=\${SITEPLAN_JOURNAL_LIMIT:-268435456}
grace_s=\${SITEPLAN_GRACE_S:-10}
now_boot=
known=

settle() { sync "$@" 2>/dev/null || sync; }
die() { code=$1; shift; printf '%s\\n' "$*" >&2; exit "$code"; }
boot_id() {
  [ -z "$now_boot" ] || return 0
  boot_file="$root/proc/sys/kernel/random/boot_id"
  [ -r "$boot_file" ] || boot_file=/proc/sys/kernel/random/boot_id
  read -r now_boot < "$boot_file" || now_boot=unknown
}
# start_of PID|self: pid, started (empty when it does not run) and session.
start_of() {
  started= session=
  if read -r stat 2>/dev/null < "/proc/$1/stat"; then
    pid=\${stat%% *}
    stat=\${stat##*) }
    set -- $stat
    session=$4
    case $1 in Z|X) ;; *) started=\${20:-} ;; esac
  fi
}
size_of() { size=0; [ ! -s "$1/journal" ] || size=$(($(wc -c < "$1/journal"))); }
write_new() { cat > "$1.new" && settle "$1.new" && mv -f "$1.new" "$1"; }

# state_of DIR: absent, ready, running, finished or interrupted; also sets code, reason, rebooted and what \`boot\` says.
# An act whose runner lives is running whatever else is there: the exit file is news only once it is synced.
state_of() {
  code=- reason=- rebooted=0 act_boot= act_pid= act_start= act_mode= act_limit= act_runner=
  if [ ! -d "$1" ]; then state=absent; return; fi
  if [ -f "$1/boot" ]; then read -r act_boot act_pid act_start act_mode act_limit act_runner < "$1/boot" || :; fi
  boot_id
  if [ -n "$act_pid" ] && [ "$act_boot" = "$now_boot" ]; then
    start_of "$act_pid"
    if [ -n "$started" ] && [ "$started" = "$act_start" ]; then state=running; return; fi
  fi
  if [ -f "$1/exit" ]; then
    read -r code reason < "$1/exit" || :
    case $reason in exit|timeout|cancel) state=finished; return ;; esac
    code=- reason=-
  fi
  if [ -z "$act_pid" ]; then state=ready; return; fi
  [ "$act_boot" = "$now_boot" ] || rebooted=1
  state=interrupted
}
say() { boot_id; printf 'state=%s code=%s reason=%s size=%s rebooted=%s boot=%s\\n' "$state" "$code" "$reason" "$size" "$rebooted" "$now_boot"; }

take_lock() {
  if command -v flock >/dev/null 2>&1; then
    # A redirection of \`exec\` that fails ends a POSIX shell at once, without a word of ours; one of \`true\` does not.
    true >>"$base/lock" || die 78 "cannot write in $base"
    exec 9>>"$base/lock"
    flock -w 20 9 || die 77 "another program holds the lock of $base"
    return
  fi
  tries=0
  boot_id
  until mkdir "$base/lock.d" 2>/dev/null; do
    holder= held_boot=
    [ -f "$base/lock.d/holder" ] && read -r holder held_boot < "$base/lock.d/holder"
    if [ -n "$holder" ] && { [ "$held_boot" != "$now_boot" ] || ! kill -0 "$holder" 2>/dev/null; }; then rm -rf "$base/lock.d"; continue; fi
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || die 77 "another program holds the lock of $base"
    sleep 1
  done
  printf '%s %s\\n' "$$" "$now_boot" > "$base/lock.d/holder"
  trap 'rm -rf "$base/lock.d"' EXIT
}
drop_lock() { exec 9>&-; if [ -d "$base/lock.d" ]; then rm -rf "$base/lock.d"; trap - EXIT; fi; }

# Refuses an older epoch and another installation; raises the fence, synced, before anything else happens.
pass_fence() {
  fence_owner= fence_epoch=
  if [ -f "$base/fence" ]; then read -r fence_owner fence_epoch < "$base/fence" || :
  elif [ -e "$base/fence" ]; then die 78 "$base/fence is no file"
  fi
  if [ -n "$fence_owner" ]; then
    [ "$fence_owner" = "$sp_installation" ] || die 76 "the host belongs to the installation $fence_owner"
    case $fence_epoch in ''|*[!0-9]*|???????????????????*) die 78 "$base/fence is damaged: it holds no epoch" ;; esac
    [ "$sp_epoch" -ge "$fence_epoch" ] || die 75 "epoch $sp_epoch is older than $fence_epoch"
  fi
  if [ "$fence_epoch" != "$sp_epoch" ]; then
    printf '%s %s\\n' "$sp_installation" "$sp_epoch" | write_new "$base/fence" || die 78 "cannot write $base/fence"
    settle "$base"
  fi
}

# Sessions below the keeper that belong to no act: the keeper's own and those of our shells.
find_spared() {
  spared=" $keeper_pid "
  while read -r shell_pid shell_start shell_session; do
    start_of "$shell_pid"
    if [ -n "$started" ] && [ "$started" = "$shell_start" ]; then spared="$spared$shell_session "; fi
  done < "$base/shells.$act_runner"
}

# The key of the act that was started last: sets current.
read_current() {
  current=
  [ ! -f "$base/current" ] || read -r current < "$base/current" || :
  case $current in */*|.*) current= ;; esac
}

# signal_act TERM|KILL DIR, after state_of: to everything of the act. One act runs at a time, so that what is in the
# keeper's cgroup is the current act's, but for its runner, the keeper and our shells; an act that is not current has
# nothing there any more. Without a cgroup it is the process group.
signal_act() {
  if [ "$act_mode" = cgroup ]; then
    : "\${act_runner:=\${runner##*-}}"
    read_keeper "$act_runner" && find_spared || return 0
    named=\${2##*/}
    [ "$named" != . ] || named=$key
    round=0 victims=x
    while [ -n "$victims" ] && [ "$round" -lt 50 ]; do
      victims=
      read_current
      [ "$current" = "$named" ] || return 0
      while read -r member; do
        case " $act_pid $known " in *" $member "*) continue ;; esac
        start_of "$member"
        case $spared in *" \${session:-none} "*) continue ;; esac
        [ -z "$started" ] || { victims=x; kill "-$1" "$member" 2>/dev/null || :; }
      done < "$cg/cgroup.procs"
      [ "$1" = KILL ] || break
      round=$((round + 1))
    done
    return 0
  fi
  group= group_start=
  [ ! -f "$2/child" ] || read -r group group_start < "$2/child"
  case $group in ''|0|1|*[!0-9]*) return 0 ;; esac
  start_of "$group"
  # Another start time: the number belongs to somebody else by now.
  if [ -z "$started" ] || [ "$started" = "$group_start" ]; then kill "-$1" "-$group" 2>/dev/null || :; fi
}

remove_inputs() { rm -f "$1/input" "$1/todo" "$1/params" "$1/script"; }

# Ends what may be left of an act whose leader is gone, so that nothing of it runs beside the next one.
bury() {
  [ "$rebooted" = 1 ] || signal_act KILL "$1"
  remove_inputs "$1"
}

# After state_of "$act": what an interrupted act has left is ended before anybody probes what it did.
end_rest() {
  [ "$state" = interrupted ] && [ "$rebooted" = 0 ] || return 0
  take_lock
  state_of "$act"
  [ "$state" != interrupted ] || bury "$act"
  drop_lock
}

# read_keeper RUNNER: the service of that version whose cgroup holds the acts of this boot, if it lives: sets cg.
read_keeper() {
  cg= keeper_boot= keeper_pid= keeper_start=
  [ -f "$base/keeper.$1" ] || return 1
  read -r keeper_boot keeper_pid keeper_start cg < "$base/keeper.$1" || :
  boot_id
  [ "$keeper_boot" = "$now_boot" ] && [ -f "$base/shells.$1" ] || return 1
  start_of "$keeper_pid"
  [ -n "$started" ] && [ "$started" = "$keeper_start" ] && [ -d "$cg" ]
}
`;

export const RUNNER_SCRIPT = `${COMMON}
${RUNNER_STARTS}
${RUNNER_ACTS}
case $1 in
  exec|keep) runner=$0 root=$2 base="$2/var/lib/siteplan-host" ;;
  *) root=\${sp_root:-} base="\${sp_root:-}/var/lib/siteplan-host" runner=$sp_runner ;;
esac
case $1 in
  perform) do_perform "$2" ;;
  start) do_start "$2"; exit 0 ;;
  exec) do_exec "$3" "$4" "$5" "\${6:-}" ;;
  keep) do_keep; exit 0 ;;
esac

${RUNNER_CALLS}
case $1 in
  prepare) do_prepare "$2" ;;
  status) do_status "$2" ;;
  follow) do_follow "$2" "$3" ;;
  cancel) do_cancel "$2" ;;
  clean) do_clean "$2" ;;
  *) die 64 "unknown command $1" ;;
esac
`;
