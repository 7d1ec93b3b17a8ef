import type { Failure } from '@/lib/core/failure';

/** A release file that cannot be had, in words for the person whose run needs it. */
export class ArtifactError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'ArtifactError';
    this.failure = failure;
  }
}

const DISK: Readonly<Record<string, Pick<Failure, 'code' | 'nextAction'> & { readonly words: string }>> = {
  ENOSPC: {
    code: 'disk-full',
    words: 'has no room left',
    nextAction:
      'Free space on the machine of Siteplan (npm run cli -- artifacts list, artifacts remove VERSION), then retry.',
  },
  EROFS: {
    code: 'read-only-filesystem',
    words: 'lies on a read-only file system',
    nextAction: 'Look for disk errors on the machine of Siteplan and mount it writable, then retry.',
  },
  EACCES: {
    code: 'internal',
    words: 'may not be read or written by the user that Siteplan runs as',
    nextAction: 'Give the directory artifacts of the data directory to that user, then retry.',
  },
};

/** An error of the file system as what it means for the cache; any other error as it is. */
export function toCacheError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = DISK[{ EDQUOT: 'ENOSPC', EPERM: 'EACCES' }[code] ?? code];
  if (!cause) return error;
  const message = `Siteplan could not keep ${file}: its artifact cache ${cause.words}.`;
  return new ArtifactError({ code: cause.code, message, nextAction: cause.nextAction }, { cause: error });
}
