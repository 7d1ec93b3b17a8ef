/** Part of the runner (runner-script.ts): what runs beside an act until it has ended. */
export const RUNNER_ACTS = `# Under whichever mode: marks the act as begun, runs it, waits for its end and writes that down.
do_exec() {
  key=$1 mode=$2 limit_s=$3 cg=$4 act="$base/acts/$1"
  # The session that asked for the act may end; the act may not.
  trap '' HUP
  cd "$act" || exit 70
  if [ "$mode" = cgroup ] && ! is_in_cgroup; then echo 0 > "$cg/cgroup.procs" || exit 70; fi
  boot_id
  start_of self
  act_pid=$pid
  # Never over another mark: of two starts of the same act one goes on.
  set -C
  printf '%s %s %s %s %s %s\\n' "$now_boot" "$act_pid" "$started" "$mode" "$limit_s" "\${runner##*-}" 2>/dev/null > boot || exit 0
  set +C
  settle boot . ..
  exec 9>&-
  if [ -f cancel ]; then finish 143 cancel; fi
  stopped=0
  trap 'stopped=1' TERM INT
  (
    trap - TERM INT HUP
    umask 022
    cd /
    exec setsid sh -c '. "$1/todo"' siteplan-act "$act"
  ) < input >> journal 2>&1 &
  child=$!
  watcher=
  if [ "$mode" != cgroup ]; then
    start_of "$child"
    printf '%s %s\\n' "$child" "$started" > child
    watch_act "$child" "$limit_s" &
    watcher=$!
  fi
  code=143
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  # Not TERM: a subshell that has only just begun may still hold our trap and live on.
  [ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null
  # Told to stop by nobody of ours: the host goes down. Without an exit file the act counts as interrupted.
  if [ "$stopped" = 1 ] && [ ! -f cancel ] && [ ! -f timeout ]; then remove_inputs .; exit 143; fi
  if [ "$mode" = cgroup ]; then
    act_mode=cgroup act_runner=\${runner##*-} known="$$ $PPID"
    signal_act KILL .
  else kill -KILL "-$child" 2>/dev/null
  fi
  if [ -f cancel ]; then finish "$code" cancel; fi
  if [ -f timeout ]; then finish 124 timeout; fi
  finish "$code" exit
}

# What may hold secrets is emptied; that makes room for the exit code on a disk that the act has filled.
finish() {
  : > todo
  : > input
  printf '%s %s\\n' "$1" "$2" > exit
  settle journal exit .
  exit 0
}

# Room for the mark itself is left above the limit, so that a cut journal is not cut again.
cut_journal() {
  size_of "$1"
  if [ "$size" -gt $((journal_limit + 200)) ]; then
    truncate -s "$journal_limit" "$1/journal"
    printf '\\n[siteplan: output beyond %s bytes was cut]\\n' "$journal_limit" >> "$1/journal"
  fi
}

# Beside an act without the keeper: holds the journal to its limit, and ends the act when its time is up.
watch_act() {
  trap - TERM INT HUP
  ticks=0
  while sleep 1; do
    # The leader is gone: nothing to watch, and the number of the group may be somebody else's.
    start_of "$act_pid"
    if [ -f exit ] || [ -z "$started" ]; then exit 0; fi
    cut_journal .
    ticks=$((ticks + 1))
    if [ "$ticks" -eq "$2" ]; then : > timeout; kill -TERM "-$1" 2>/dev/null; fi
    if [ "$ticks" -ge $(($2 + grace_s)) ]; then kill -KILL "-$1" 2>/dev/null; fi
  done
}

# The keeper: a service that holds the cgroups of the acts and does for all of them what watch_act does for one.
do_keep() {
  for unified in /sys/fs/cgroup /sys/fs/cgroup/unified; do [ ! -f "$unified/cgroup.controllers" ] || break; done
  own=
  while IFS=: read -r tree _ path; do [ "$tree" != 0 ] || own=$path; done < /proc/self/cgroup
  cg="$unified$own"
  [ -n "$own" ] && [ -f "$cg/cgroup.procs" ] || exit 71
  : > "$base/shells.\${runner##*-}" || exit 71
  boot_id
  start_of $$
  printf '%s %s %s %s\\n' "$now_boot" $$ "$started" "$cg" | write_new "$base/keeper.\${runner##*-}" || exit 71
  ticks=0 last=
  while sleep 1; do
    read_current
    [ "$current" = "$last" ] || { last=$current ticks=0; }
    act="$base/acts/$current"
    [ -n "$current" ] && [ -f "$act/boot" ] && [ ! -f "$act/exit" ] || continue
    state_of "$act"
    [ "$state $act_mode" = 'running cgroup' ] || continue
    cut_journal "$act"
    ticks=$((ticks + 1))
    if [ "$ticks" -eq "$act_limit" ]; then : > "$act/timeout"; signal_act TERM "$act"; fi
    if [ "$ticks" -ge $((act_limit + grace_s)) ]; then signal_act KILL "$act"; fi
  done
}
`;
