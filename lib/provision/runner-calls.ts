/** Part of the runner (runner-script.ts): everything that is asked for less often than a start. */
export const RUNNER_CALLS = `# Raises the fence, tidies up after whoever was here before, and lists the acts of the run RUN that are here.
do_prepare() {
  take_lock
  pass_fence
  find_mode
  # What runs becomes the current act first: whatever is buried after that leaves it alone.
  for act in "$base"/acts/*/; do
    state_of "\${act%/}"
    if [ "$state" = running ]; then
      act=\${act%/}
      printf '%s\\n' "\${act##*/}" > "$base/current"
    fi
  done
  for act in "$base"/acts/*/; do
    act=\${act%/}
    [ -d "$act" ] || continue
    state_of "$act"
    case $state in
      interrupted) bury "$act" ;;
      finished) if [ -s "$act/input" ] || [ -s "$act/todo" ] || [ -e "$act/script" ]; then remove_inputs "$act"; fi ;;
    esac
    case \${act##*/} in "$1".*) printf 'act=%s\\n' "\${act##*/}" ;; esac
  done
  drop_lock
  boot_id
  printf 'boot=%s\\n' "$now_boot"
}

do_status() {
  act="$base/acts/$1"
  state_of "$act"
  end_rest
  size_of "$act"
  say
}

# Bytes of the journal from an offset on, until the act has ended and all are out; then, on standard error, where it
# stands. What is above the limit comes as the mark that the cut would leave. Waits grow while nothing comes.
do_follow() {
  act="$base/acts/$1" offset=$2 wait_ms=20
  mark=$(printf '\\n[siteplan: output beyond %s bytes was cut]\\n.' "$journal_limit")
  while :; do
    state_of "$act"
    size_of "$act"
    end=$size
    if [ "$size" -gt $((journal_limit + 200)) ] || { [ "$state" = running ] && [ "$size" -gt "$journal_limit" ]; }; then end=$journal_limit; fi
    if [ "$end" -gt "$offset" ]; then
      tail -c "+$((offset + 1))" "$act/journal" | head -c "$((end - offset))" || exit 74
      offset=$end wait_ms=20
      continue
    fi
    case $state in
      finished|interrupted|absent|ready)
        if [ "$size" -gt "$end" ]; then printf '%s' "\${mark%.}" | tail -c "+$((offset - end + 1))"; fi
        end_rest
        say >&2
        exit 0
        ;;
    esac
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
  if [ "$state" = absent ] || [ "$state" = finished ]; then size_of "$act"; say; return; fi
  : > "$act/cancel"
  settle "$act/cancel"
  drop_lock
  [ "$state" != running ] || signal_act TERM "$act"
  waited=0
  while [ "$state" = running ] && [ "$waited" -lt $((grace_s * 10)) ]; do
    sleep 0.1 2>/dev/null || { sleep 1; waited=$((waited + 9)); }
    waited=$((waited + 1))
    [ "$waited" -ne 1 ] || signal_act TERM "$act"
    state_of "$act"
  done
  if [ "$act_mode" = systemd ]; then systemctl stop "siteplan-act-$1.service" 2>/dev/null; fi
  if [ "$state" = running ]; then
    signal_act KILL "$act"
    waited=0
    while [ "$state" = running ] && [ "$waited" -lt 30 ]; do
      sleep 0.1 2>/dev/null || sleep 1
      waited=$((waited + 1))
      state_of "$act"
    done
    [ "$state" != running ] || { kill -KILL "$act_pid" 2>/dev/null; state=interrupted; }
  fi
  if [ "$state" != finished ]; then
    # Under the lock again: nothing new may begin while what is left is ended.
    take_lock
    state_of "$act"
    [ "$state" = running ] || bury "$act"
    [ -s "$act/exit" ] || printf '137 cancel\\n' | write_new "$act/exit"
    settle "$act"
    drop_lock
  fi
  state_of "$act"
  size_of "$act"
  say
}

# Takes our shells out of the keeper's cgroup, back to where their logins are.
leave_cgroup() {
  act_runner=\${runner##*-}
  read_keeper "$act_runner" && find_spared || return 0
  while IFS=: read -r tree _ path; do [ "$tree" != 0 ] || break; done < "/proc/$PPID/cgroup"
  home="\${cg%%/system.slice/*}$path"
  [ -f "$home/cgroup.procs" ] || return 0
  while read -r member; do
    start_of "$member"
    [ "\${session:-$keeper_pid}" = "$keeper_pid" ] || case $spared in *" $session "*) echo "$member" > "$home/cgroup.procs" || : ;; esac
  done < "$cg/cgroup.procs"
}

# Removes the acts that have ended, of a run whose log is stored and of older ones that were given up: a host has one
# run at a time. With the last act goes the keeper, and what other versions left.
do_clean() {
  take_lock
  pass_fence
  set --
  for act in "$base"/acts/*/; do
    act=\${act%/}
    [ -d "$act" ] || continue
    state_of "$act"
    case $state in
      finished|interrupted|ready) set -- "$@" "$act" ;;
    esac
  done
  [ $# = 0 ] || rm -rf "$@"
  set -- "$base"/acts/*
  if [ ! -e "$1" ]; then
    leave_cgroup
    for keeper in "$base"/keeper.*; do
      [ ! -f "$keeper" ] || systemctl stop "siteplan-acts-\${keeper##*.}.service" 2>/dev/null || :
      rm -f "$keeper" "$base/shells.\${keeper##*.}"
    done
    rm -f "$base/current"
    for old in "$base"/runner-*; do [ "$old" = "$runner" ] || rm -f "$old"; done
  fi
  drop_lock
}
`;
