import { z } from 'zod';
import { HOSTNAME } from '@/lib/core/text';
import { KEEP_QUORUM } from './keep-quorum';
import { toProbe, toScript, toVerify } from './script';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const UnitName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9@_.-]{0,80}\.service$/, 'not a service unit');

export const ServiceRunParams = z.strictObject({
  unit: UnitName,
  /** Hash of everything that the unit reads at its start; the stamp of the unit's own name holds it afterwards. */
  stamp: StampValue,
  /** Name of the node whose etcd member restarts beside others: only while enough of those vote. Null where none does. */
  keepsQuorumAs: z.string().regex(HOSTNAME).nullable().default(null),
});
export type ServiceRunParams = z.infer<typeof ServiceRunParams>;

const SHARED = `
# look: what systemd says of the unit, asked once: load, active, restarted, invocation, job, result.
look() {
  load= active= restarted=0 invocation= job=0 result=
  shown=$(systemctl show -p LoadState,ActiveState,NRestarts,InvocationID,Job,Result -- "$sp_unit" 2>/dev/null) || :
  while IFS='=' read -r key value; do
    case $key in
      LoadState) load=$value ;;
      ActiveState) active=$value ;;
      NRestarts) restarted=\${value:-0} ;;
      InvocationID) invocation=$value ;;
      Job) job=\${value:-0} ;;
      Result) result=$value ;;
    esac
  done <<END
$shown
END
}
is_so() {
  look
  if [ "$active" != active ]; then note "$sp_unit is \${active:-unknown}"; return 1; fi
  if [ "$(systemctl is-enabled -- "$sp_unit" 2>/dev/null)" != enabled ]; then note "$sp_unit is not enabled"; return 1; fi
  if [ "$(read_stamp "$sp_unit")" != "$sp_stamp" ]; then note "$sp_unit runs with another configuration"; return 1; fi
}
`;

/**
 * `journal LINES`: what the unit `sp_unit` said since the act began, tokens hidden; lines of an earlier failure would
 * name a cause that is gone. `give_up WORDS` fails with the journal's end in the step's log.
 */
export const JOURNAL = `
since=$(date +%s)
mask() { sed -e 's/K10[0-9a-f]\\{64\\}::[^[:space:]"]*/K10(token)/g' -e 's/\\([Tt]oken[=: ]*\\)[^[:space:]"]\\{12,\\}/\\1(hidden)/g'; }
journal() { journalctl -u "$sp_unit" --since "@$since" -n "$1" --no-pager -o cat 2>/dev/null | mask | cut -c 1-400; }
give_up() { note "last lines of the journal of $sp_unit:"; journal 30; fail step-exit "$1"; }
`;

/**
 * The mark in `starting` says which configuration the start in progress was given and which invocation of the unit ran
 * before it: an act that was cut goes on waiting where the start was asked for, and asks for it where it was not yet.
 * `systemctl start` would block for ever where a join fails (rke2#989), hence `--no-block` and a poll; the loop ends by
 * itself when the unit was restarted too often or its time is over. Other voters are looked at only right before a restart
 * is asked for: one that has begun takes its vote away no longer by going on.
 */
const ACT = `
look
if [ "$load" != loaded ]; then fail step-exit "$sp_unit is not installed"; fi
mark="$state/starting/$sp_unit"
begun=$(seconds_up)
failures=0
systemctl enable -- "$sp_unit" 2>&1
look
restarts=$restarted
given=
before=
if [ -f "$mark" ]; then read -r given before < "$mark" || :; fi
case "$active" in
  active|activating|reloading|deactivating)
    if [ "$given" = "$sp_stamp" ] && { [ "$job" != 0 ] || [ "$invocation" != "$before" ]; }; then
      note "$sp_unit is already starting with this configuration"
      how=
    else
      how=restart
    fi ;;
  *) how=start ;;
esac
if [ "$how" = restart ] && [ "$active" = active ] && [ -n "$sp_keeps_quorum_as" ]; then keep_quorum; fi
if [ -n "$how" ]; then
  drop_stamps "$sp_unit"
  make_state_dir starting
  (umask 077; printf '%s %s\\n' "$sp_stamp" "$invocation" > "$mark.new")
  mv -f "$mark.new" "$mark"
  systemctl reset-failed -- "$sp_unit" 2>/dev/null || :
  look
  restarts=$restarted
  note "$how $sp_unit"
  systemctl "$how" --no-block -- "$sp_unit" || give_up "$sp_unit could not be started"
fi
told=0
pauses='0.05 0.1 0.2 0.4'
while :; do
  look
  elapsed=$(($(seconds_up) - begun))
  if [ "$active" = active ] && [ "$job" = 0 ]; then break; fi
  if [ "$restarted" -gt "$restarts" ]; then failures=$((failures + restarted - restarts)); fi
  restarts=$restarted
  if [ "$failures" -ge 3 ]; then
    # No restart heals these.
    case $(journal 30) in
      *'ddress already in use'*|*'Exec format error'*|*'o space left on device'*|*'token CA hash does not match'*) give_up "$sp_unit failed $failures times in $elapsed s" ;;
    esac
  fi
  if [ "$failures" -ge "$sp_max_failures" ]; then give_up "$sp_unit failed $failures times in $elapsed s"; fi
  if [ "$active" = failed ] && [ "$job" = 0 ]; then give_up "$sp_unit failed: $result"; fi
  if [ "$elapsed" -ge "$sp_wait_s" ]; then give_up "$sp_unit is still $active after $elapsed s"; fi
  if [ "$elapsed" -ge "$((told + 10))" ]; then
    told=$elapsed
    note "$sp_unit is $active for $elapsed s: $(journal 1)"
    # An agent asks again for ever, also where no answer can be the right one.
    case $(journal 30) in *'token CA hash does not match'*) give_up "$sp_unit is still $active after $elapsed s" ;; esac
  fi
  # Most units are there at once; from then on once a second.
  pause=\${pauses%% *}
  case $pauses in *' '*) pauses=\${pauses#* } ;; *) pauses=1 ;; esac
  sleep "\${pause:-1}" 2>/dev/null || sleep 1
done
write_stamp "$sp_unit" "$sp_stamp"
rm -f "$mark"
note "$sp_unit is active after $elapsed s"
`;

const TIMEOUT_S = 1800;
const UNINTERRUPTIBLE =
  'a service that is starting may be joining etcd; cut in the middle, a half-joined member can block the cluster';

const shared = {
  params: ServiceRunParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, JOURNAL, KEEP_QUORUM, ACT),
  verify: toVerify(SHARED),
  timeoutS: TIMEOUT_S,
  uninterruptible: UNINTERRUPTIBLE,
  toVariables: ({ unit, stamp, keepsQuorumAs }: ServiceRunParams) => ({
    unit,
    stamp,
    keeps_quorum_as: keepsQuorumAs ?? '',
    max_failures: '6',
    wait_s: String(TIMEOUT_S - 60),
  }),
};

/** Enables and starts a unit, waits until it is active and leaves the stamp of what it was started with. */
export const serviceStart = defineStepKind({
  ...shared,
  kind: 'service.start',
  toTitle: ({ unit }) => `Start ${unit}`,
});

/** Restarts a unit whose stamp says that it runs with another configuration; starts it where it is not running. */
export const serviceRestart = defineStepKind({
  ...shared,
  kind: 'service.restart',
  toTitle: ({ unit }) => `Restart ${unit}`,
});
