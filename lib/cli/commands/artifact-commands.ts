import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { addArtifacts, listArtifacts, removeArtifacts } from '@/lib/artifacts/stored-artifacts';
import { ArtifactError } from '@/lib/artifacts/artifact-error';
import { toBytesText } from '@/lib/core/duration';
import { toCount } from '@/lib/core/text';
import { env } from '@/lib/env/env';
import { invokedFrom } from '@/lib/env/invoked-from';
import { Rke2Version } from '@/lib/steps/artifact-fetch';
import { CliError } from '../cli-error';
import { optional, type Command, type CommandInput } from '../command';

const cacheDir = (): string => join(env().dataDir, 'artifacts');

function toVersion(text: string): string {
  if (Rke2Version.safeParse(text).success) return text;
  throw new CliError('usage', 'A version is written like v1.35.7+rke2r1.');
}

/** The files behind a path: of a directory, those in it that are not hidden. */
async function listFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new CliError('failed', `${path} is not there or cannot be read.`);
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => join(path, name));
}

/** The name of the folder that holds the files, where it is a version. */
function findVersion(files: readonly string[]): string {
  const names = [...new Set(files.map((file) => basename(dirname(file))))];
  const [name = ''] = names;
  if (names.length === 1 && Rke2Version.safeParse(name).success) return name;
  throw new CliError(
    'usage',
    'The folder of the files is not called like a version: add --release v1.35.7+rke2r1.',
  );
}

/** What the cache refuses, as the end of a command. */
async function orCliError<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!(error instanceof ArtifactError)) throw error;
    const { message, nextAction } = error.failure;
    throw new CliError('failed', `${message} ${nextAction}`, { cause: error });
  });
}

async function add({ args, values, out }: CommandInput): Promise<void> {
  const files = (await Promise.all(args.map((path) => listFiles(resolve(invokedFrom(), path))))).flat();
  if (files.length === 0) throw new CliError('failed', 'There are no files in it.');
  const stated = optional(values, 'release');
  const version = stated === undefined ? findVersion(files) : toVersion(stated);
  const names = await orCliError(addArtifacts(cacheDir(), version, files));
  out.result({ version, files: names }, `Added ${toCount(names.length, 'file')} of ${version}.`);
}

async function list({ out }: CommandInput): Promise<void> {
  const releases = await listArtifacts(cacheDir());
  const lines = releases.map(({ version, files }) =>
    [version, ...files.map(({ name, sizeBytes }) => `  ${name}  ${toBytesText(sizeBytes)}`)].join('\n'),
  );
  out.result(releases, lines.join('\n') || 'There are no release files.');
}

async function remove({ args: [version = ''], out }: CommandInput): Promise<void> {
  const wanted = toVersion(version);
  if (!(await removeArtifacts(cacheDir(), wanted)))
    throw new CliError('failed', `There are no release files of ${wanted}.`);
  out.result({ version: wanted, removed: true }, `Removed the release files of ${wanted}.`);
}

export const ARTIFACT_COMMANDS: readonly Command[] = [
  {
    name: 'artifacts add',
    summary: 'Puts release files of RKE2 into the cache, for sites that get them from Siteplan over SSH.',
    args: ['FILE...'],
    options: {
      release: { value: 'VERSION', words: 'Version of the files, where their folder is not called so.' },
    },
    details:
      'FILE is a release file or a folder of them, with the names that they were released under; the list of checksums\n' +
      '(sha256sum-amd64.txt, sha256sum-arm64.txt) must be among them or in the cache, and each file must agree with it.\n' +
      'A site needs rke2.linux-ARCH.tar.gz, rke2-images-core.linux-ARCH.tar.zst and rke2-images-cilium.linux-ARCH.tar.zst.\n' +
      'Runs on the machine of the worker. Where that one has the internet, it downloads what is missing by itself.',
    run: add,
  },
  { name: 'artifacts list', summary: 'Lists the release files in the cache.', run: list },
  {
    name: 'artifacts remove',
    summary: 'Removes the release files of one version from the cache.',
    args: ['VERSION'],
    run: remove,
  },
];
