import { z } from 'zod';
import { HostPath } from '@/lib/render/rendered-file';
import { toProbe, toScript, toVerify } from './script';
import { StampName } from './stamp';
import { defineStepKind } from './step-kind';

export const FileRemoveParams = z.strictObject({ path: HostPath, dropsStamps: z.array(StampName) });
export type FileRemoveParams = z.infer<typeof FileRemoveParams>;

const SHARED = `
path="$root$sp_path"
is_so() {
  if [ -e "$path" ] || [ -L "$path" ]; then note "$sp_path is still there"; return 1; fi
}
`;

/** Removes one file or link; a directory is refused. */
export const fileRemove = defineStepKind({
  kind: 'file.remove',
  params: FileRemoveParams,
  probe: toProbe(SHARED),
  act: toScript(
    SHARED,
    `if [ -d "$path" ] && [ ! -L "$path" ]; then fail step-exit "$sp_path is a directory"; fi
drop_stamps "$sp_drops_stamps"
rm -f -- "$path"
note "removed $sp_path"
`,
  ),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ path }) => `Remove ${path}`,
  toVariables: ({ path, dropsStamps }) => ({ path, drops_stamps: dropsStamps.join('\n') }),
});
