import { z } from 'zod';
import { Arch } from '@/lib/topology/topology';
import { ARTIFACT_SHARED, ArtifactName, Rke2Version } from './artifact-fetch';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

export const ArtifactPushParams = z.strictObject({ version: Rke2Version, arch: Arch, file: ArtifactName });
export type ArtifactPushParams = z.infer<typeof ArtifactPushParams>;

/** Below the host's own directory: where the worker puts release files, each under its SHA-256. */
export const INCOMING_DIR = 'incoming';

const SHARED = `${ARTIFACT_SHARED}is_so() { is_fetched; }
`;

/**
 * The file gets a second name before it is looked at, because whoever uploads puts a whole file in the place of the
 * other one and never writes into it: what was hashed is what is put in place, however late another worker is.
 */
const ACT = `
(umask 077; mkdir -p "$dir") || fail_write "$dir" "$sp_file"
given="$sp_by_hand/$sp_version"
if [ -n "$sp_by_hand" ]; then
  for name in "sha256sum-$sp_arch.txt" "$sp_file"; do
    if [ ! -f "$given/$name" ]; then fail step-exit "$name is not in the folder artifacts/$sp_version of the bundle; put it there"; fi
  done
  cp -- "$given/sha256sum-$sp_arch.txt" "$sums.part" || fail_write "$dir" "$sp_file" "$sums.part"
else
  cat > "$sums.part" || fail_write "$dir" "$sp_file" "$sums.part"
fi
settle "$sums.part"
mv -f "$sums.part" "$sums"
wanted=$(wanted_hash "$sp_file")
case $wanted in
  ''|*[!0-9a-f]*) fail checksum-mismatch "the checksums of $sp_version do not name $sp_file" ;;
esac
arrived="$state/${INCOMING_DIR}/$wanted"
if is_fetched >/dev/null; then rm -f "$arrived"; note "$sp_file is whole"; exit 0; fi
part="$file.part"
rm -f "$part"
if [ -n "$sp_by_hand" ]; then
  cp -- "$given/$sp_file" "$part" || fail_write "$dir" "$sp_file" "$part"
elif [ ! -f "$arrived" ]; then fail step-exit "$sp_file has not arrived"
else
  ln "$arrived" "$part" 2>/dev/null || cp "$arrived" "$part" || fail_write "$dir" "$sp_file" "$part"
fi
if [ "$(hash_of "$part")" != "$wanted" ]; then
  rm -f "$part" "$arrived"
  fail checksum-mismatch "$sp_file differs from its checksum"
fi
settle "$part"
mv -f "$part" "$file"
rm -f "$arrived"
settle "$dir"
# What runs that nobody went on with have left.
find "$state/${INCOMING_DIR}" -type f -mmin +1440 -exec rm -f -- {} + 2>/dev/null || :
note "$sp_file: $(($(wc -c < "$file") / 1048576)) MiB, checksum is right"
`;

/**
 * Takes one release file of RKE2 that the control plane has sent, and puts it with the list of checksums where
 * `artifact.fetch` would have put it. The worker uploads the file before the act and gives the act the list on standard
 * input; by hand both lie in the folder `artifacts/VERSION` of the bundle, and `sp_by_hand` is the path of `artifacts`.
 */
export const artifactPush = defineStepKind({
  kind: 'artifact.push',
  params: ArtifactPushParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 600,
  uninterruptible: null,
  toTitle: ({ file, version }) => `Send ${file} of ${version}`,
  toVariables: ({ version, arch, file }) => ({ version, arch, file, by_hand: '' }),
  toReleaseFile: (params) => params,
});
