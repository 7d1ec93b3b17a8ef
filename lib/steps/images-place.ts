import { z } from 'zod';
import { Arch } from '@/lib/topology/topology';
import { ARTIFACT_SHARED, ArtifactName, Rke2Version } from './artifact-fetch';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

export const ImagesPlaceParams = z.strictObject({ version: Rke2Version, arch: Arch, file: ArtifactName });
export type ImagesPlaceParams = z.infer<typeof ImagesPlaceParams>;

const SHARED = `${ARTIFACT_SHARED}
images="$root/var/lib/rancher/rke2/agent/images"
placed="$images/$sp_file"
is_so() {
  is_fetched || return 1
  if [ ! -f "$placed" ]; then note "$sp_file is not in the images directory"; return 1; fi
  if [ "$(hash_of "$placed")" != "$(wanted_hash "$sp_file")" ]; then note "$sp_file there is another one"; return 1; fi
}
`;

const ACT = `
if ! what=$(is_fetched); then fail step-exit "$what"; fi
if is_so >/dev/null; then note "$sp_file is in its place"; exit 0; fi
(umask 022; mkdir -p "$images") || fail_write "$images" "$sp_file"
new="$images/.siteplan-new"
rm -f "$new"
ln "$file" "$new" 2>/dev/null || cp "$file" "$new" || fail_write "$images" "$sp_file" "$new"
settle "$new"
mv -f "$new" "$placed"
note "placed $sp_file"
`;

/**
 * Puts a fetched image bundle where RKE2 imports it at its start (RKE2 docs install/airgap). The install script would
 * copy them only beside the default bundle, which holds Canal and not Cilium.
 */
export const imagesPlace = defineStepKind({
  kind: 'images.place',
  params: ImagesPlaceParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 600,
  uninterruptible: null,
  toTitle: ({ file }) => `Place image bundle ${file}`,
  toVariables: ({ version, arch, file }) => ({ version, arch, file }),
});
