import { packArchive } from '@/lib/archive/pack-archive';
import type { BundleInput } from '@/lib/bundle/list-bundle';
import { listBundle, toBundleName } from '@/lib/bundle/list-bundle';

/** An archive and the name under which it is offered. */
export interface BundleDownload {
  readonly fileName: string;
  readonly bytes: Buffer;
}

/** The bundle as a `.tar.gz` with one folder in it. The same input gives the same bytes. */
export async function packBundle(input: BundleInput): Promise<BundleDownload> {
  const name = toBundleName(input.siteName, input.plan, input.isBare);
  const files = listBundle(input).map((file) => ({ ...file, path: `${name}/${file.path}` }));
  return { fileName: `${name}.tar.gz`, bytes: await packArchive(files) };
}
