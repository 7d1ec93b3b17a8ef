import { z } from 'zod';
import { toProbe, toScript, toVerify } from './script';
import { JOURNAL, UnitName } from './service-run';
import { StampName } from './stamp';
import { defineStepKind } from './step-kind';

export const ServiceStopParams = z.strictObject({
  unit: UnitName,
  /** What no longer holds once the unit is stopped. */
  dropsStamps: z.array(StampName),
});
export type ServiceStopParams = z.infer<typeof ServiceStopParams>;

const SHARED = `
is_so() {
  case $(systemctl is-active -- "$sp_unit" 2>/dev/null || :) in
    active|activating|reloading|deactivating) note "$sp_unit still runs"; return 1 ;;
  esac
  if [ "$(systemctl is-enabled -- "$sp_unit" 2>/dev/null || :)" = enabled ]; then note "$sp_unit is enabled"; return 1; fi
  for stamp in $sp_drops_stamps; do
    if [ -f "$state/stamps/$stamp" ]; then note "the stamp $stamp is left"; return 1; fi
  done
}
`;

const ACT = `
drop_stamps "$sp_drops_stamps"
if [ "$(systemctl show -p LoadState -- "$sp_unit" 2>/dev/null)" = LoadState=not-found ]; then
  note "there is no $sp_unit on this host"; exit 0
fi
systemctl disable -- "$sp_unit" 2>&1 || give_up "$sp_unit could not be disabled"
systemctl stop -- "$sp_unit" || give_up "$sp_unit could not be stopped"
systemctl reset-failed -- "$sp_unit" 2>/dev/null || :
note "$sp_unit is stopped and disabled"
`;

/** Stops a unit and keeps it from starting at the next boot; its packages and files stay. */
export const serviceStop = defineStepKind({
  kind: 'service.stop',
  params: ServiceStopParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, JOURNAL, ACT),
  verify: toVerify(SHARED),
  timeoutS: 120,
  uninterruptible: null,
  toTitle: ({ unit }) => `Stop ${unit}`,
  toVariables: ({ unit, dropsStamps }) => ({ unit, drops_stamps: dropsStamps.join('\n') }),
});
