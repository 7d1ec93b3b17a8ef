import { z } from 'zod';
import { Arch, Rke2 } from '@/lib/topology/topology';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

/** Where the releases live (RKE2 install.sh, `INSTALL_RKE2_ARTIFACT_URL`). */
export const INTERNET_ARTIFACTS_URL = 'https://github.com/rancher/rke2/releases/download';

/** Name of a release file: `rke2.linux-amd64.tar.gz`, `rke2-images-core.linux-amd64.tar.zst`. */
export const ArtifactName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'not a release file');
export const Rke2Version = Rke2.shape.version.unwrap();

export const ArtifactFetchParams = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }),
  version: Rke2Version,
  arch: Arch,
  file: ArtifactName,
});
export type ArtifactFetchParams = z.infer<typeof ArtifactFetchParams>;

/** Below `dir` lie the file and the list of checksums that came from the same place. */
export const ARTIFACT_SHARED = `
dir="$state/artifacts/$sp_version"
file="$dir/$sp_file"
sums="$dir/sha256sum-$sp_arch.txt"
wanted_hash() {
  while read -r hash name; do
    if [ "\${name#\\*}" = "$1" ]; then printf '%s' "$hash"; return 0; fi
  done < "$sums"
}
is_fetched() {
  if [ ! -f "$file" ]; then note "$sp_file is not on the host"; return 1; fi
  if [ ! -f "$sums" ]; then note "the checksums of $sp_version are not on the host"; return 1; fi
  if [ "$(hash_of "$file")" != "$(wanted_hash "$sp_file")" ]; then note "$sp_file differs from its checksum"; return 1; fi
}
`;

const SHARED = `${ARTIFACT_SHARED}is_so() { is_fetched; }
`;

const ACT = `
(umask 077; mkdir -p "$dir") || fail_write "$dir" "$sp_file"
if command -v curl >/dev/null 2>&1; then tool=curl
elif command -v wget >/dev/null 2>&1; then tool=wget
else fail step-exit 'neither curl nor wget is installed'
fi
size_mib() { if [ -f "$1" ]; then printf '%s' "$(($(wc -c < "$1") / 1048576))"; else printf 0; fi; }
report() { while sleep 5 >/dev/null 2>&1; do note "$(size_mib "$1") MiB so far"; done; }
once=-q
if [ "$tool" = wget ]; then case $(wget --version 2>/dev/null || :) in *GNU*) once='-nv -t 1' ;; esac; fi
# download URL FILE: 1 with the reason in why, and final=yes where another try would end the same way.
download() {
  report "$2" & reporter=$!
  rc=0 status=
  case $tool in
    curl)
      redirects='=https'
      case "$1" in http://*) redirects='=http,https' ;; esac
      said=$(curl --fail --location --globoff --silent --show-error --proto '=http,https' --proto-redir "$redirects" \\
        --connect-timeout 20 --speed-limit 512 --speed-time "$sp_stall_s" --write-out 'status %{http_code}' \\
        --continue-at - --output "$2" -- "$1" 2>&1 </dev/null) || rc=$?
      status=\${said##*status } said=\${said%status *} ;;
    wget)
      said=$(wget $once -c -T "$sp_stall_s" -O "$2" -- "$1" 2>&1 </dev/null) || rc=$?
      status=$(printf '%s' "$said" | sed -n -e 's/.*ERROR \\([0-9]*\\).*/\\1/p' -e 's|.*HTTP/1\\.[01] \\([0-9]*\\).*|\\1|p') ;;
  esac
  kill "$reporter" 2>/dev/null || :
  wait "$reporter" 2>/dev/null || :
  if [ "$rc" = 0 ]; then return 0; fi
  explain "$1" "$2"
  if [ -n "$said" ]; then note "$said"; fi
  return 1
}
# Exit codes of curl (curl.1, EXIT CODES) and GNU wget (wget.1, EXIT STATUS); other wgets only have their words.
explain() {
  name=\${1#*://} name=\${name%%/*} final=no
  name=\${name##*@}
  case "$tool $rc $said" in
    *'not yet valid'*|*'not yet activated'*) fail clock-skew "by the clock of this host the certificate of $name is not valid yet" ;;
    'curl 23 '*|'wget 3 '*) fail_write "$dir" "$sp_file" "$2" ;;
    'curl 5 '*|'curl 6 '*|*'unable to resolve'*|*'bad address'*) why="this host cannot resolve $name" ;;
    'curl 22 '*|'wget 8 '*|*'server returned error'*)
      why="$name answers HTTP $status"
      case "$status" in 408|416|425|429) ;; 4??) final=yes ;; esac
      if [ "$status" = 404 ]; then why="$why: the release or the file is not there"; fi ;;
    'curl 28 '*|*'timed out'*) why="$name did not answer in time, or sent next to nothing for $sp_stall_s s" ;;
    'curl 35 '*|'curl 5'[134]' '*|'curl 6'[06]' '*|'curl 77 '*|'curl 8'[03]' '*|'wget 5 '*|*certificate*)
      why="this host does not trust $name or finds no common TLS with it" final=yes ;;
    'curl 7 '*|*refused*) why="$name refuses connections from this host or cannot be reached" ;;
    'curl 18 '*|'curl 52 '*|'curl 56 '*) why="the connection to $name broke off" ;;
    'wget 4 '*) why="$name did not answer in time, or the connection broke off" ;;
    *) why="$tool ended with $rc" ;;
  esac
}
rm -f "$sums.part"
try=1
until download "$sp_sums_url" "$sums.part"; do
  if [ "$try" = 3 ] || [ "$final" = yes ]; then fail download-failed "$sp_sums_url could not be fetched: $why"; fi
  try=$((try + 1)); rm -f "$sums.part"; sleep "$((try * sp_pause_s))"
done
mv -f "$sums.part" "$sums"
wanted=$(wanted_hash "$sp_file")
if [ -z "$wanted" ]; then fail checksum-mismatch "$sp_sums_url does not name $sp_file"; fi
if [ -f "$file" ] && [ "$(hash_of "$file")" = "$wanted" ]; then note "$sp_file is whole"; exit 0; fi
part="$file.part"
if [ -f "$part" ]; then note "going on after $(size_mib "$part") MiB"; fi
try=1
while :; do
  resumed=no
  if [ -f "$part" ]; then
    resumed=yes
    if [ "$(hash_of "$part")" = "$wanted" ]; then break; fi
  fi
  if download "$sp_url" "$part"; then
    if [ "$(hash_of "$part")" = "$wanted" ]; then break; fi
    rm -f "$part"
    if [ "$resumed" = no ]; then fail checksum-mismatch "$sp_file from $sp_url differs from its checksum"; fi
    note 'what was there before does not fit; fetching it whole'
    continue
  fi
  if [ "$resumed" = yes ] && [ "$try" -ge 2 ]; then rm -f "$part"; fi
  if [ "$try" = 4 ] || [ "$final" = yes ]; then fail download-failed "$sp_url could not be fetched: $why"; fi
  try=$((try + 1)); note "try $try of 4"; sleep "$((try * sp_pause_s))"
done
settle "$part"
mv -f "$part" "$file"
settle "$dir"
note "$sp_file: $(size_mib "$file") MiB, checksum is right"
`;

/**
 * Fetches one release file of RKE2 and checks it against `sha256sum-<arch>.txt` from the same place; goes on where an
 * earlier try stopped. URL form `<base>/<version, + as %2B>/<file>` (RKE2 install.sh).
 */
export const artifactFetch = defineStepKind({
  kind: 'artifact.fetch',
  params: ArtifactFetchParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 3600,
  uninterruptible: null,
  toTitle: ({ file, version }) => `Fetch ${file} of ${version}`,
  toVariables: ({ baseUrl, version, arch, file }) => {
    const folder = `${baseUrl.replace(/\/+$/, '')}/${version.replaceAll('+', '%2B')}`;
    return {
      version,
      arch,
      file,
      pause_s: '2',
      stall_s: '60',
      url: `${folder}/${file}`,
      sums_url: `${folder}/sha256sum-${arch}.txt`,
    };
  },
});
