import { z } from 'zod';
import { Arch } from '@/lib/topology/topology';
import { ARTIFACT_SHARED, Rke2Version } from './artifact-fetch';
import { toProbe, toScript, toVerify } from './script';
import { StampName } from './stamp';
import { defineStepKind } from './step-kind';

/** Stamp of a finished installation; its value is the version. */
export const INSTALL_STAMP = 'rke2-install';

export const Rke2InstallParams = z.strictObject({
  version: Rke2Version,
  arch: Arch,
  role: z.enum(['server', 'agent']),
  dropsStamps: z.array(StampName),
});
export type Rke2InstallParams = z.infer<typeof Rke2InstallParams>;

const SHARED = `${ARTIFACT_SHARED}
find_rke2() {
  for prefix in /usr/local /opt/rke2; do
    if [ -x "$root$prefix/bin/rke2" ]; then printf '%s' "$root$prefix/bin/rke2"; return 0; fi
  done
  return 1
}
has_unit() {
  for units in /usr/local/lib/systemd/system /etc/systemd/system; do
    if [ -f "$root$units/rke2-$sp_role.service" ]; then return 0; fi
  done
  return 1
}
installed_version() { "$1" --version 2>/dev/null | { read -r _ _ version _ || :; printf '%s' "\${version:-}"; }; }
is_so() {
  if ! rke2=$(find_rke2); then note 'rke2 is not installed'; return 1; fi
  found=$(installed_version "$rke2")
  if [ "$found" != "$sp_version" ]; then note "rke2 is \${found:-of an unknown version}, not $sp_version"; return 1; fi
  if ! has_unit; then note "rke2-$sp_role.service is not installed"; return 1; fi
  if [ "$(read_stamp ${INSTALL_STAMP})" != "$sp_version" ]; then note 'an installation was not finished here'; return 1; fi
}
`;

const ACT = `
# A mirror may hold the build of another processor family under this name: bytes 18 and 19 of an ELF file say which.
refuse_other_machine() {
  header=$(od -A n -t x1 -N 20 -- "$1" | tr -d ' \\n')
  case "$header" in 7f454c46*) ;; *) return 0 ;; esac
  case "$machine \${header#????????????????????????????????????}" in
    'x86_64 3e00'|'aarch64 b700'|'arm64 b700') ;;
    *) fail wrong-architecture "bin/rke2 in $sp_file is built for another processor family, this host is $machine" ;;
  esac
}
machine=$(uname -m)
case "$sp_arch $machine" in
  'amd64 x86_64'|'arm64 aarch64'|'arm64 arm64') ;;
  *) fail wrong-architecture "this host is $machine, the plan says $sp_arch" ;;
esac
if command -v rpm >/dev/null 2>&1 && rpm -q rke2-common >/dev/null 2>&1; then
  fail step-exit 'RKE2 is installed from RPM packages here; remove them or upgrade with the package manager'
fi
if [ -x "$root/usr/bin/rke2" ]; then fail step-exit '/usr/bin/rke2 belongs to a package; remove that package first'; fi
if ! what=$(is_fetched); then fail checksum-mismatch "$what"; fi
prefix=/usr/local
own_mount() { while read -r _ at _; do if [ "$at" = "$root$prefix" ]; then return 0; fi; done < /proc/mounts; return 1; }
(umask 022; mkdir -p "$root$prefix" 2>/dev/null) || :
if own_mount || [ ! -w "$root$prefix" ]; then prefix=/opt/rke2; note "/usr/local is read-only or a mount of its own"; fi
target="$root$prefix"
(umask 022; mkdir -p "$target")
staging="$target/.siteplan-staging"
rm -rf "$staging"
trap 'rm -rf "$staging"' EXIT
trap 'exit 143' HUP INT TERM
mkdir -m 0700 "$staging" || fail_write "$target" "the content of $sp_file"
tar -xzof "$file" -C "$staging" || fail_write "$target" "the content of $sp_file" "$staging"
if [ ! -f "$staging/bin/rke2" ]; then fail step-exit "$sp_file holds no bin/rke2"; fi
if [ ! -x "$staging/bin/rke2" ]; then fail noexec-tmp "programs may not run from $prefix: it is mounted noexec"; fi
refuse_other_machine "$staging/bin/rke2"
if [ "$prefix" != /usr/local ]; then
  for name in "$staging"/lib/systemd/system/rke2-*.service "$staging/bin/rke2-uninstall.sh"; do
    if [ -f "$name" ]; then sed -i "s|/usr/local|$prefix|g" "$name"; fi
  done
fi
drop_stamps "$sp_drops_stamps"
write_stamp ${INSTALL_STAMP} unfinished
(cd "$staging" && find . ! -type d) | while IFS= read -r name; do
  name=\${name#./}
  case "$prefix $name" in
    '/opt/rke2 lib/systemd/system/'*) to="$root/etc/systemd/system/\${name##*/}" ;;
    *) to="$target/$name" ;;
  esac
  (umask 022; mkdir -p "\${to%/*}")
  if [ ! -L "$staging/$name" ]; then settle "$staging/$name"; fi
  mv -f "$staging/$name" "$to"
done
if command -v restorecon >/dev/null 2>&1; then restorecon -R "$target/bin/rke2" "$target/lib/systemd" >/dev/null 2>&1 || :; fi
if [ -d "$root/run/systemd/system" ]; then systemctl daemon-reload; fi
found=$(installed_version "$target/bin/rke2")
if [ "$found" != "$sp_version" ]; then fail verify-failed "the installed binary says \${found:-nothing}, not $sp_version"; fi
write_stamp ${INSTALL_STAMP} "$sp_version"
for old in "$state"/artifacts/*; do
  if [ -d "$old" ] && [ "$old" != "$dir" ]; then rm -rf "$old"; note "removed the files of release \${old##*/}"; fi
done
note "installed rke2 $sp_version below $prefix"
`;

/** Installs RKE2 from the fetched tarball as its install script does with the tar method; starts nothing. */
export const rke2Install = defineStepKind({
  kind: 'rke2.install',
  params: Rke2InstallParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED, 'output rke2_version "$sp_version"\n'),
  timeoutS: 600,
  uninterruptible: null,
  toTitle: ({ version }) => `Install RKE2 ${version}`,
  toVariables: ({ version, arch, role, dropsStamps }) => ({
    version,
    arch,
    role,
    file: `rke2.linux-${arch}.tar.gz`,
    drops_stamps: dropsStamps.join('\n'),
  }),
});
