/**
 * What every step script of a bundle ends with: reads the texts of the step's kind, fills secret slots and does probe,
 * act and verify as the engine does. Constant; a step script sets `here`, `sp_` parameters and `step_` words before it.
 *
 * Each part runs in a subshell, as a plain command: within `if` or `||` a shell forgets `set -e`, on which the parts rely.
 * Secrets stay in variables of this shell: no argument list, no environment, no file but the one that the step writes.
 * SITEPLAN_ROOT, for a mounted root file system and for tests, is a folder below which every path of the step is.
 */
export const STEP_RUNNER = `set +e -u
LC_ALL=C
export LC_ALL
step_node="$here/.."
step_bundle="$here/../../.."
step_part=\${1:-all}
sp_root=\${SITEPLAN_ROOT:-}
sp_by_hand="$step_bundle/artifacts"
step_say() { printf '%s\\n' "$*"; }
step_refuse() { printf '%s\\n' "$*" >&2; exit 1; }
case $step_part in
  all|probe|act|verify) ;;
  *) step_refuse "usage: sh \${0##*/} [probe|act|verify]" ;;
esac
set --
for step_file in probe act verify; do
  [ -f "$step_bundle/kinds/$step_kind/$step_file.sh" ] || step_refuse "kinds/$step_kind/$step_file.sh is missing: copy the whole folder of the bundle"
done
[ -n "$sp_root" ] || [ "$(id -u)" = 0 ] || step_refuse 'Run this as root, for instance with sudo.'

# A file of a service that this host does not have.
if [ -n "$step_only_with" ]; then
  case $(systemctl show -p LoadState -- "$step_only_with" 2>/dev/null) in
    LoadState=loaded) ;;
    *) step_say "passed over: this host has no $step_only_with"; exit 0 ;;
  esac
fi

# An act that Siteplan itself started may be running here: two at once would be in each other's way.
step_host="$sp_root/var/lib/siteplan-host"
step_current= step_act_boot= step_act_pid= step_boot=
[ ! -f "$step_host/current" ] || read -r step_current < "$step_host/current" || :
case $step_current in
  ''|*/*|.*) ;;
  *)
    step_act="$step_host/acts/$step_current"
    if [ -f "$step_act/boot" ] && [ ! -f "$step_act/exit" ]; then
      read -r step_act_boot step_act_pid step_line < "$step_act/boot" || :
      read -r step_boot < /proc/sys/kernel/random/boot_id || :
      case $step_act_pid in ''|*[!0-9]*) step_act_boot= ;; esac
      if [ "$step_act_boot" = "$step_boot" ] && kill -0 "$step_act_pid" 2>/dev/null; then
        step_refuse 'A run of Siteplan is at work on this host. Wait for its end, then run this again.'
      fi
    fi ;;
esac

# step_ask NAME: sets step_value from secrets.env, or from the terminal.
step_ask() {
  step_value=
  if [ -f "$step_bundle/secrets.env" ]; then
    case $(stat -L -c %a -- "$step_bundle/secrets.env") in
      *00|0) ;;
      *) step_refuse 'Others may read secrets.env. Run: chmod 600 secrets.env' ;;
    esac
    while IFS= read -r step_line || [ -n "$step_line" ]; do
      case $step_line in "$1="*) step_value=\${step_line#*=} ;; esac
    done < "$step_bundle/secrets.env"
    step_value=\${step_value%"$step_return"}
  fi
  if [ -z "$step_value" ] && (true < /dev/tty) 2>/dev/null; then
    step_tty=$(stty -g < /dev/tty)
    trap 'stty "$step_tty" < /dev/tty; exit 130' INT TERM
    # Before anybody is asked: what is typed at once must not be shown either.
    stty -echo < /dev/tty
    printf '%s (%s): ' "$1" 'is not shown' > /dev/tty
    IFS= read -r step_value < /dev/tty
    stty "$step_tty" < /dev/tty
    trap - INT TERM
    printf '\\n' > /dev/tty
  fi
  case $1:$step_value in
    SITEPLAN_CLUSTER_CA:)
      # Nobody knows it before the first server has run, so a look without it is none that failed.
      if [ "$step_part" = probe ]; then step_say "There is no value of $1 yet."; exit 10; fi
      step_refuse "There is no value of $1: the hash of the CA of the cluster, which the first server tells once its turn has ended (see README.txt). Write it into secrets.env, or run this on a terminal." ;;
    SITEPLAN_CLUSTER_CA:*[!0-9a-f]*) step_refuse "The value of $1 is no hash of 64 hex digits." ;;
    SITEPLAN_CLUSTER_CA:*) [ "\${#step_value}" = 64 ] || step_refuse "The value of $1 is no hash of 64 hex digits." ;;
  esac
  case $step_value in
    '') step_refuse "There is no value of $1. Write it into secrets.env (see secrets.env.example), or run this on a terminal." ;;
    *[!!-~]*|*'"'*|*\\\\*) step_refuse "The value of $1 holds blanks, quotes, backslashes or characters beyond ASCII." ;;
  esac
}
# step_put SLOT VALUE ...: prints step_line with the values in their slots.
step_put() {
  while [ "$#" -gt 0 ]; do
    step_done=
    while :; do
      case $step_line in
        *"$1"*) step_done=$step_done\${step_line%%"$1"*}$2 step_line=\${step_line#*"$1"} ;;
        *) break ;;
      esac
    done
    step_line=$step_done$step_line
    shift 2
  done
  printf '%s' "$step_line"
}
# step_payload SLOT VALUE ...: prints the step's input, filled.
step_payload() {
  if [ "$#" = 0 ]; then cat -- "$step_node/$step_input"; return; fi
  while IFS= read -r step_line; do step_put "$@"; printf '\\n'; done < "$step_node/$step_input"
  [ -z "$step_line" ] || step_put "$@"
}
step_return=$(printf '\\r')
if [ -n "$step_input" ]; then
  [ -f "$step_node/$step_input" ] || step_refuse "$step_input is missing: copy the whole folder of the bundle"
  while read -r step_name step_slot; do
    [ -n "$step_name" ] || continue
    step_ask "$step_name"
    set -- "$@" "$step_slot" "$step_value"
  done <<END
$step_secrets
END
  sp_payload_sha256=$(step_payload "$@" | sha256sum)
  sp_payload_sha256=\${sp_payload_sha256%% *}
fi

step_probe() { (set --; . "$step_bundle/kinds/$step_kind/probe.sh") < /dev/null; }
step_verify() { (set --; . "$step_bundle/kinds/$step_kind/verify.sh") < /dev/null; }
step_run_act() (set --; . "$step_bundle/kinds/$step_kind/act.sh")
# An act that must not be cut has a limit of its own; here and in what it starts, Ctrl-C and a lost terminal do nothing.
step_act() {
  [ -z "$step_uninterruptible" ] || trap '' INT HUP
  if [ -n "$step_input" ]; then step_payload "$@" | step_run_act
  else step_run_act < /dev/null
  fi
  step_ended=$?
  [ -z "$step_uninterruptible" ] || trap - INT HUP
  return "$step_ended"
}

case $step_part in
  probe) step_probe; exit "$?" ;;
  act) step_act "$@"; exit "$?" ;;
  verify) step_verify; exit "$?" ;;
esac
step_probe
case $? in
  0) step_say "already so: $step_title"; exit 0 ;;
  10) ;;
  *) step_refuse "The probe failed: $step_title. Mend what the lines above say, then run this again." ;;
esac
step_act "$@"
[ "$?" = 0 ] || step_refuse "Not done: $step_title. Mend what the lines above say, then run this again; what is done is passed over."
step_verify
[ "$?" = 0 ] || step_refuse "Done, but not as wanted: $step_title. The lines above say what differs."
step_say "done: $step_title"
`;
