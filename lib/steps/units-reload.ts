import { z } from 'zod';
import { toProbe, toScript, toVerify } from './script';
import { UnitName } from './service-run';
import { StampName, StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const UnitsReloadParams = z.strictObject({
  /** The unit whose drop-in was written. */
  unit: UnitName,
  stampName: StampName,
  /** Hash of the drop-in that systemd has read. */
  stamp: StampValue,
});
export type UnitsReloadParams = z.infer<typeof UnitsReloadParams>;

/** systemd compares times and lists of its files with those that it has read (systemd org.freedesktop.systemd1, NeedDaemonReload). */
const SHARED = `
is_so() {
  if [ "$(systemctl show -p NeedDaemonReload -- "$sp_unit" 2>/dev/null)" = NeedDaemonReload=yes ]; then
    note "systemd has not read the files of $sp_unit again yet"; return 1
  fi
  if [ "$(read_stamp "$sp_stamp_name")" != "$sp_stamp" ]; then note "the drop-in of $sp_unit was not read yet"; return 1; fi
}
`;

const ACT = `
systemctl daemon-reload || fail step-exit 'systemd could not read its units again'
write_stamp "$sp_stamp_name" "$sp_stamp"
note "systemd has read the files of $sp_unit; what runs goes on"
`;

/** Has systemd read changed drop-ins of a unit; nothing restarts. */
export const unitsReload = defineStepKind({
  kind: 'units.reload',
  params: UnitsReloadParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ unit }) => `Read the drop-ins of ${unit}`,
  toVariables: ({ unit, stampName, stamp }) => ({ unit, stamp_name: stampName, stamp }),
});
