import { z } from 'zod';
import { JOURNAL, UnitName } from './service-run';
import { toProbe, toScript, toVerify } from './script';
import { StampName, StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const ServiceReloadParams = z.strictObject({
  unit: UnitName,
  stampName: StampName,
  stamp: StampValue,
});
export type ServiceReloadParams = z.infer<typeof ServiceReloadParams>;

const SHARED = `
is_so() {
  if [ "$(read_stamp "$sp_stamp_name")" != "$sp_stamp" ]; then note "$sp_unit has not read its configuration again yet"; return 1; fi
}
`;

const ACT = `
if systemctl is-active --quiet -- "$sp_unit"; then
  systemctl reload -- "$sp_unit" || give_up "$sp_unit could not read its configuration again"
  note "$sp_unit read its configuration again"
else
  note "$sp_unit is not running; it reads its configuration when it starts"
fi
write_stamp "$sp_stamp_name" "$sp_stamp"
`;

/** Has a running unit read its configuration again, without a restart. */
export const serviceReload = defineStepKind({
  kind: 'service.reload',
  params: ServiceReloadParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, JOURNAL, ACT),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ unit }) => `Reload ${unit}`,
  toVariables: ({ unit, stampName, stamp }) => ({ unit, stamp_name: stampName, stamp }),
});
