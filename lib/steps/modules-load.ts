import { z } from 'zod';
import { HostPath } from '@/lib/render/rendered-file';
import { toProbe, toScript, toVerify } from './script';
import { StampName, StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const ModulesLoadParams = z.strictObject({
  /** Our own file below /etc/modules-load.d: one module a line. */
  path: HostPath,
  stampName: StampName,
  stamp: StampValue,
});
export type ModulesLoadParams = z.infer<typeof ModulesLoadParams>;

const SHARED = `
path="$root$sp_path"
is_so() {
  if [ ! -f "$path" ]; then note "$sp_path does not exist"; return 1; fi
  if [ "$(read_stamp "$sp_stamp_name")" != "$sp_stamp" ]; then note "$sp_path was not applied yet"; return 1; fi
}
`;

const ACT = `
if [ ! -f "$path" ]; then fail step-exit "$sp_path does not exist"; fi
kernel=$(uname -r)
built_in() {
  list="$root/lib/modules/$kernel/modules.builtin"
  [ -f "$list" ] && grep -q "/$1\\.ko" "$list"
}
while IFS= read -r module || [ -n "$module" ]; do
  case "$module" in ''|'#'*|';'*) continue ;; esac
  case "$module" in *[!A-Za-z0-9_-]*|-*) fail step-exit "a line of $sp_path is no module name" ;; esac
  name=$(printf '%s' "$module" | tr - _)
  if [ -d "$root/sys/module/$name" ]; then
    note "$module is in the kernel"
  elif command -v modprobe >/dev/null 2>&1 && modprobe -- "$module" 2>/dev/null; then
    note "$module loaded"
  elif built_in "$name"; then
    note "$module is built into the kernel"
  else
    note "$module is neither loaded nor built in: kernel $kernel may lack it, or a container may not load it"
  fi
done < "$path"
write_stamp "$sp_stamp_name" "$sp_stamp"
`;

/**
 * Loads the modules of our own file now. A module that this kernel lacks is told and passed over, as RKE2's own unit
 * does (`ExecStartPre=-modprobe`, RKE2 bundle/lib/systemd/system); the checks before a run say it louder.
 */
export const modulesLoad = defineStepKind({
  kind: 'modules.load',
  params: ModulesLoadParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ path }) => `Load kernel modules of ${path}`,
  toVariables: ({ path, stampName, stamp }) => ({ path, stamp_name: stampName, stamp }),
});
