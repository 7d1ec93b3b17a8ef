import { z } from 'zod';
import { toProbe, toScript, toVerify } from './script';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const UnitName = z.string().regex(/^[a-z0-9][a-z0-9@_.-]{0,80}\.service$/, 'not a service unit');

export const ServiceRunParams = z.strictObject({
  unit: UnitName,
  /** Hash of everything that the unit reads at its start; the stamp of the unit's own name holds it afterwards. */
  stamp: StampValue,
});
export type ServiceRunParams = z.infer<typeof ServiceRunParams>;

const SHARED = `
show() { systemctl show -p "$1" -- "$sp_unit" 2>/dev/null | sed "s/^$1=//"; }
is_so() {
  active=$(show ActiveState)
  if [ "$active" != active ]; then note "$sp_unit is \${active:-unknown}"; return 1; fi
  if [ "$(systemctl is-enabled -- "$sp_unit" 2>/dev/null)" != enabled ]; then note "$sp_unit is not enabled"; return 1; fi
  if [ "$(read_stamp "$sp_unit")" != "$sp_stamp" ]; then note "$sp_unit runs with another configuration"; return 1; fi
}
`;

/**
 * The mark in `starting` says which configuration the start in progress was given and which invocation of the unit ran
 * before it: an act that was cut goes on waiting where the start was asked for, and asks for it where it was not yet. `systemctl start` would block for ever where a join fails (rke2#989), hence
 * `--no-block` and a poll; the loop ends by itself when the unit was restarted too often or its time is over.
 */
const ACT = `
case "$(show LoadState)" in loaded) ;; *) fail step-exit "$sp_unit is not installed" ;; esac
mask() { sed -e 's/K10[0-9a-f]\\{64\\}::[^[:space:]"]*/K10(token)/g' -e 's/\\([Tt]oken[=: ]*\\)[^[:space:]"]\\{12,\\}/\\1(hidden)/g'; }
journal() { journalctl -u "$sp_unit" -n "$1" --no-pager -o cat 2>/dev/null | mask | cut -c 1-400; }
give_up() { note "last lines of the journal of $sp_unit:"; journal 30; fail step-exit "$1"; }
mark="$state/starting/$sp_unit"
begun=$(seconds_up)
restarts=$(show NRestarts)
restarts=\${restarts:-0}
failures=0
systemctl enable -- "$sp_unit" 2>&1
active=$(show ActiveState)
given=
before=
if [ -f "$mark" ]; then read -r given before < "$mark" || :; fi
invocation=$(show InvocationID)
job=$(show Job)
case "$active" in
  active|activating|reloading|deactivating)
    if [ "$given" = "$sp_stamp" ] && { [ "\${job:-0}" != 0 ] || [ "$invocation" != "$before" ]; }; then
      note "$sp_unit is already starting with this configuration"
      how=
    else
      how=restart
    fi ;;
  *) how=start ;;
esac
if [ -n "$how" ]; then
  drop_stamps "$sp_unit"
  make_state_dir starting
  (umask 077; printf '%s %s\\n' "$sp_stamp" "$invocation" > "$mark.new")
  mv -f "$mark.new" "$mark"
  systemctl reset-failed -- "$sp_unit" 2>/dev/null || :
  restarts=$(show NRestarts)
  restarts=\${restarts:-0}
  note "$how $sp_unit"
  systemctl "$how" --no-block -- "$sp_unit" || give_up "$sp_unit could not be started"
fi
told=0
while :; do
  active=$(show ActiveState)
  elapsed=$(($(seconds_up) - begun))
  job=$(show Job)
  if [ "$active" = active ] && [ "\${job:-0}" = 0 ]; then break; fi
  now=$(show NRestarts)
  now=\${now:-0}
  if [ "$now" -gt "$restarts" ]; then failures=$((failures + now - restarts)); fi
  restarts=$now
  if [ "$failures" -ge "$sp_max_failures" ]; then give_up "$sp_unit failed $failures times in $elapsed s"; fi
  if [ "$active" = failed ] && [ "\${job:-0}" = 0 ]; then give_up "$sp_unit failed: $(show Result)"; fi
  if [ "$elapsed" -ge "$sp_wait_s" ]; then give_up "$sp_unit is still $active after $elapsed s"; fi
  if [ "$elapsed" -ge "$((told + 10))" ]; then
    told=$elapsed
    note "$sp_unit is $active for $elapsed s: $(journal 1)"
  fi
  sleep 1
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
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: TIMEOUT_S,
  uninterruptible: UNINTERRUPTIBLE,
  toVariables: ({ unit, stamp }: ServiceRunParams) => ({
    unit,
    stamp,
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
