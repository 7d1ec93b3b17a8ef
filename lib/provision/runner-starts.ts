/** Part of the runner (runner-script.ts): starting an act, at most once per key. */
export const RUNNER_STARTS = `is_in_cgroup() {
  while IFS=: read -r tree _ path; do
    [ "$tree" != 0 ] || break
  done < /proc/self/cgroup
  case $path in /|'') return 1 ;; esac
  case $cg in *"$path") return 0 ;; esac
  return 1
}

# How acts outlive us here: \`cgroup\` below a service of ours, \`systemd\` as a unit each, \`setsid\` as a session each.
find_mode() {
  mode=setsid cg=
  [ "\${SITEPLAN_DETACH:-}" != setsid ] && [ -d /run/systemd/system ] || return 0
  if read_keeper "\${runner##*-}"; then mode=cgroup; return 0; fi
  command -v systemd-run >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
  mode=systemd
  [ -f /sys/fs/cgroup/cgroup.controllers ] || [ -f /sys/fs/cgroup/unified/cgroup.controllers ] || return 0
  # An act that runs out of memory says so by its exit code; systemd before 243 cannot be told to leave it at that.
  for type in 'exec --property=OOMPolicy=continue' exec simple; do
    systemd-run --quiet --collect --unit="siteplan-acts-\${runner##*-}.service" --property=Type=$type --property=Delegate=yes \\
      --property=KillMode=control-group --property=SendSIGKILL=yes --property="TimeoutStopSec=$grace_s" \\
      -- /bin/sh "$runner" keep "$root" 9>&- 2>/dev/null && break
  done
  waited=0
  until read_keeper "\${runner##*-}"; do
    waited=$((waited + 1))
    [ "$waited" -lt 100 ] || return 0
    sleep 0.02 2>/dev/null || sleep 1
  done
  mode=cgroup
}

# Under the lock: makes sure that nothing of the act DIR can run beside the next one.
settle_other() {
  state_of "$1"
  case $state in
    running) die 77 "the act \${1##*/} still runs on this host" ;;
    interrupted) bury "$1" ;;
    ready)
      # Its start died before it began. It may still be on its way: it looks for this file after its own mark.
      : > "$1/cancel"
      state_of "$1"
      [ "$state" != running ] || die 77 "the act \${1##*/} still runs on this host"
      remove_inputs "$1"
      ;;
  esac
}

launch() {
  find_mode
  [ "$state" != absent ] || mkdir "$act" || die 78 "cannot make $act"
  printf '%s\\n' "$key" > "$base/current" && printf '%s' "$sp_params$sp_script" > "$act/todo" && : > "$act/journal" ||
    die 78 "cannot write in $act"
  if [ -n "\${sp_input+set}" ]; then printf '%s' "$sp_input" > "$act/input"; else cat > "$act/input"; fi || die 78 "cannot write $act/input"
  if [ "$mode" != systemd ]; then
    command -v setsid >/dev/null 2>&1 || die 78 "neither systemd nor setsid is there to start the act"
    # It holds our lock (9) until its mark is synced: whoever gets the lock then knows what became of this start.
    # sudo ends what is left of its group when the link is lost, so there it needs a session of its own.
    if [ -n "\${SUDO_UID:-}" ]; then
      setsid sh "$runner" exec "$root" "$key" "$mode" "$sp_limit_s" "$cg" </dev/null >/dev/null 2>&1 &
    else (
      exec </dev/null >/dev/null 2>&1
      do_exec "$key" "$mode" "$sp_limit_s" "$cg"
    ) &
    fi
    supervisor=$!
    # To change the cgroup takes a grace period of the kernel. So this shell goes there once, and whatever it starts
    # from now on is born there.
    if [ "$mode" = cgroup ] && ! is_in_cgroup; then
      start_of $$
      printf '%s %s %s\\n' $$ "$started" "$session" >> "$base/shells.\${runner##*-}" && echo $$ > "$cg/cgroup.procs"
    fi
    return
  fi
  for type in 'exec --property=OOMPolicy=continue' exec simple; do
    systemd-run --quiet --collect --unit="siteplan-act-$key.service" --property=Type=$type \\
      --property=KillMode=control-group --property=SendSIGKILL=yes --property="TimeoutStopSec=$grace_s" \\
      --property="RuntimeMaxSec=$((sp_limit_s + 120))" -- /bin/sh "$runner" exec "$root" "$key" systemd "$sp_limit_s" - 9>&- && return
    # It is there: an earlier start of the same act got this far.
    systemctl --quiet is-active "siteplan-act-$key.service" && return
  done
  die 78 "systemd did not start the act"
}

# Starts the act unless its key was started before; \`supervisor\` is the process to wait for if it is ours.
begin() {
  key=$1 act="$base/acts/$1" supervisor= size=0
  take_lock
  pass_fence
  read_current
  [ -z "$current" ] || [ "$current" = "$key" ] || settle_other "$base/acts/$current"
  state_of "$act"
  if [ "$state" = ready ] && [ -f "$act/boot" ]; then
    # Whoever made this mark died over it, before the act: the lock would be held otherwise.
    : > "$act/cancel"
    state=interrupted
  fi
  case $state in
    interrupted) bury "$act" ;;
    absent|ready)
      launch
      if [ -z "$supervisor" ] || [ -d "$base/lock.d" ] || [ "$2" = now ]; then
        waited=0
        while [ ! -s "$act/boot" ] && [ "$waited" -lt 500 ]; do
          waited=$((waited + 1))
          sleep 0.01 2>/dev/null || sleep 1
        done
        state_of "$act"
        [ "$state" != ready ] || die 78 "the act did not start"
      fi
      ;;
  esac
  drop_lock
}

do_start() {
  begin "$1" now
  size_of "$act"
  say
}

# Starts the act, waits for its end and prints the first 64 KiB of its journal; where it stands goes to standard
# error. Ends with 99 when the act has ended well, else with 98. A key that was started before is only reported.
do_perform() {
  begin "$1" later
  if [ -z "$supervisor" ]; then size_of "$act"; say >&2; exit 0; fi
  wait "$supervisor"
  state_of "$act"
  end_rest
  # In spite of the mark that it makes first there is none: it could not even begin.
  [ "$state" != ready ] || die 78 "the act did not start"
  say >&2
  [ ! -s "$act/journal" ] || head -c 65536 "$act/journal"
  [ "$state $code $reason" != 'finished 0 exit' ] || exit 99
  exit 98
}
`;
