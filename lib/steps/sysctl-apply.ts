import { z } from 'zod';
import { HostPath } from '@/lib/render/rendered-file';
import { toProbe, toScript, toVerify } from './script';
import { StampName, StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const SysctlApplyParams = z.strictObject({
  /** Our own file below /etc/sysctl.d: plain `key = value` lines, no wildcards. */
  path: HostPath,
  stampName: StampName,
  stamp: StampValue,
});
export type SysctlApplyParams = z.infer<typeof SysctlApplyParams>;

/**
 * `each_setting FUNCTION` calls FUNCTION with key, path below /proc/sys and wanted value. In a container the kernel's
 * settings belong to the machine around it: such a key is told and passed over, on a real host it is a failure.
 */
const SHARED = `
path="$root$sp_path"
in_container() { [ -e "$root/run/systemd/container" ] || [ -e "$root/.dockerenv" ]; }
squeeze() { set -f; set -- $1; set +f; printf '%s' "$*"; }
current() { if [ -r "$1" ]; then squeeze "$(cat "$1")"; fi; }
each_setting() {
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in ''|'#'*|';'*) continue ;; esac
    case "$line" in *=*) ;; *) continue ;; esac
    key=$(squeeze "\${line%%=*}")
    value=$(squeeze "\${line#*=}")
    key=\${key#-}
    case "$key" in ''|*[!A-Za-z0-9_./-]*|*..*) fail step-exit "a line of $sp_path is no plain setting" ;; esac
    "$1" "$key" "$root/proc/sys/$(printf '%s' "$key" | tr . /)" "$value"
  done < "$path"
}
check() {
  if [ "$(current "$2")" = "$3" ]; then return 0; fi
  if in_container && [ ! -w "$2" ]; then return 0; fi
  note "$1 is not $3"
  differs=yes
}
is_so() {
  if [ ! -f "$path" ]; then note "$sp_path does not exist"; return 1; fi
  differs=no
  each_setting check
  if [ "$differs" = yes ]; then return 1; fi
  if [ "$(read_stamp "$sp_stamp_name")" != "$sp_stamp" ]; then note "$sp_path was not applied yet"; return 1; fi
}
`;

const ACT = `
if [ ! -f "$path" ]; then fail step-exit "$sp_path does not exist"; fi
apply() {
  if [ "$(current "$2")" = "$3" ]; then return 0; fi
  if [ ! -w "$2" ]; then
    if in_container; then note "passed over: $1 belongs to the machine around this container"; return 0; fi
    if [ ! -e "$2" ]; then fail step-exit "this kernel has no setting $1"; fi
    fail step-exit "$1 cannot be written"
  fi
  printf '%s\\n' "$3" > "$2" || fail step-exit "$1 does not take $3"
  note "$1 = $3"
}
each_setting apply
write_stamp "$sp_stamp_name" "$sp_stamp"
`;

/** Makes the running kernel's settings those of our own file (the file itself makes them last over a reboot). */
export const sysctlApply = defineStepKind({
  kind: 'sysctl.apply',
  params: SysctlApplyParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ path }) => `Apply kernel settings of ${path}`,
  toVariables: ({ path, stampName, stamp }) => ({ path, stamp_name: stampName, stamp }),
});
