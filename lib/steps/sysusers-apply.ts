import { z } from 'zod';
import { HostPath } from '@/lib/render/rendered-file';
import { FIND_PROGRAM } from './find-program';
import { toProbe, toScript, toVerify } from './script';
import { StampName, StampValue } from './stamp';
import { defineStepKind } from './step-kind';

export const SysusersApplyParams = z.strictObject({
  /** Our own file below /etc/sysusers.d: lines `u NAME ...`, a user with a group of the same name. */
  path: HostPath,
  stampName: StampName,
  stamp: StampValue,
});
export type SysusersApplyParams = z.infer<typeof SysusersApplyParams>;

/**
 * `each_user FUNCTION` calls FUNCTION with every name of the file. RKE2 looks into these two files only, so a user of a
 * directory service does not count (RKE2 docs security/hardening_guide).
 */
const SHARED = `
path="$root$sp_path"
each_user() {
  while read -r type name _; do
    if [ "$type" != u ]; then continue; fi
    case "$name" in ''|-*|*[!a-z0-9_-]*) fail step-exit "a line of $sp_path names no user" ;; esac
    "$1" "$name"
  done < "$path"
}
is_made() { grep -qs "^$1:" "$root/etc/passwd" && grep -qs "^$1:" "$root/etc/group"; }
check() { if ! is_made "$1"; then note "there is no user and group $1"; lacks=yes; fi; }
is_so() {
  if [ ! -f "$path" ]; then note "$sp_path does not exist"; return 1; fi
  lacks=no
  each_user check
  if [ "$lacks" = yes ]; then return 1; fi
  if [ "$(read_stamp "$sp_stamp_name")" != "$sp_stamp" ]; then note "$sp_path was not applied yet"; return 1; fi
}
`;

const ACT = `${FIND_PROGRAM}
if [ ! -f "$path" ]; then fail step-exit "$sp_path does not exist"; fi
add() {
  if is_made "$1"; then return 0; fi
  if ! program=$(find_program useradd); then fail step-exit "neither systemd-sysusers nor useradd is installed, so the user $1 was not made"; fi
  set -- "$1" --system --no-create-home --shell /usr/sbin/nologin
  name=$1; shift
  if grep -qs "^$name:" "$root/etc/group"; then set -- "$@" --gid "$name"; else set -- "$@" --user-group; fi
  if [ -n "$root" ]; then set -- --root "$root" "$@"; fi
  "$program" "$@" -- "$name" 2>&1 || fail step-exit "useradd could not make the user $name"
}
if program=$(find_program systemd-sysusers); then
  set --
  if [ -n "$root" ]; then set -- "--root=$root"; fi
  "$program" "$@" "\${sp_path##*/}" 2>&1 || fail step-exit "systemd-sysusers could not make the users of $sp_path"
else
  each_user add
fi
tell() { if is_made "$1"; then note "user and group $1 are there"; else fail step-exit "user or group $1 is in a directory service only; RKE2 wants both in /etc/passwd and /etc/group"; fi; }
each_user tell
write_stamp "$sp_stamp_name" "$sp_stamp"
`;

/** Makes the system users of our own file now, by systemd-sysusers or else useradd. */
export const sysusersApply = defineStepKind({
  kind: 'sysusers.apply',
  params: SysusersApplyParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 60,
  uninterruptible: null,
  toTitle: ({ path }) => `Make the users of ${path}`,
  toVariables: ({ path, stampName, stamp }) => ({ path, stamp_name: stampName, stamp }),
});
