import { z } from 'zod';
import { HostPath, RenderedFile } from '@/lib/render/rendered-file';
import { SecretRef } from '@/lib/topology/topology';
import { toProbe, toScript, toVerify } from './script';
import { StampName } from './stamp';
import { defineStepKind } from './step-kind';

const AccountName = z.string().regex(/^[a-z_][a-z0-9_.-]{0,31}$/, 'not an account name');

export const FilePutParams = z.strictObject({
  path: HostPath,
  mode: RenderedFile.shape.mode,
  owner: AccountName,
  group: AccountName,
  /** With secret slots. */
  content: z.string(),
  secrets: z.array(SecretRef),
  /** Stamps that no longer hold once this file changes; they go before the file is replaced. */
  dropsStamps: z.array(StampName),
});
export type FilePutParams = z.infer<typeof FilePutParams>;

/** What a written file must be like; used by every kind that writes one. */
export const FILE_SHARED = `
path="$root$sp_path"
is_so() {
  if [ -L "$path" ]; then note "$sp_path is a symbolic link"; return 1; fi
  if [ ! -e "$path" ]; then note "$sp_path does not exist"; return 1; fi
  if [ ! -f "$path" ]; then note "$sp_path is no regular file"; return 1; fi
  found=$(stat -c '%a %U %G' -- "$path")
  if [ "$found" != "$sp_mode $sp_owner $sp_group" ]; then
    note "$sp_path has mode, owner and group $found, not $sp_mode $sp_owner $sp_group"; return 1
  fi
  hash_file "$path"
  if [ "$hashed" != "$sp_payload_sha256" ]; then note "$sp_path has other content"; return 1; fi
}
`;

/**
 * Writes the payload beside the file and renames it, so that the old one stands until the new one is whole. `check` is
 * shell text that may refuse the candidate `$new` before it is taken; at that point it has its owner and mode.
 */
export const toFileAct = (check: string): string => `
if [ -d "$path" ] && [ ! -L "$path" ]; then fail step-exit "$sp_path is a directory"; fi
dir=\${path%/*}
if [ ! -d "$dir" ]; then (umask 022; mkdir -p -- "$dir") || fail_write "$dir" "$sp_path"; fi
if [ ! -w "$dir" ]; then fail_write "$dir" "$sp_path"; fi
for old in "$dir"/.siteplan-new.??????; do
  if [ -e "$old" ] || [ -L "$old" ]; then rm -f -- "$old"; fi
done
new=$(umask 077; mktemp "$dir/.siteplan-new.XXXXXX") || fail_write "$dir" "$sp_path"
trap 'if [ -n "$new" ]; then rm -f -- "$new"; fi' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
cat > "$new" || fail_write "$dir" "$sp_path" "$new"
hash_file "$new"
if [ "$hashed" != "$sp_payload_sha256" ]; then fail step-exit "the content of $sp_path did not arrive whole"; fi
chown -- "$sp_owner:$sp_group" "$new"
chmod -- "$sp_mode" "$new"
settle "$new"
${check}drop_stamps "$sp_drops_stamps"
if [ -L "$path" ]; then rm -f -- "$path"; fi
mv -f -- "$new" "$path"
new=
settle "$dir"
note "wrote $sp_path"
`;

/** The variables of `FILE_SHARED` and `toFileAct`. */
export function toFileVariables({ path, mode, owner, group, dropsStamps }: FilePutParams) {
  return {
    path,
    mode: parseInt(mode, 8).toString(8),
    owner,
    group,
    drops_stamps: dropsStamps.join('\n'),
  };
}

/** Puts one file in place, atomically: temporary file in the same directory (0600, O_EXCL), sync, rename. */
export const filePut = defineStepKind({
  kind: 'file.put',
  params: FilePutParams,
  probe: toProbe(FILE_SHARED),
  act: toScript(FILE_SHARED, toFileAct('')),
  verify: toVerify(FILE_SHARED),
  timeoutS: 120,
  uninterruptible: null,
  toTitle: ({ path }) => `Write ${path}`,
  toVariables: toFileVariables,
  toPayload: ({ content }) => content,
  toSecrets: ({ secrets }) => secrets,
});
