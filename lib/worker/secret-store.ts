import { openSealed } from '@/lib/secrets/seal';
import type { SecretRef } from '@/lib/topology/topology';
import { HostError } from '@/lib/ssh/host-error';
import type { WorkerContext } from './worker-context';

interface SecretRow {
  readonly id: string;
  readonly keyId: string;
  readonly version: number;
  readonly purpose: string;
  readonly owner: string;
  readonly sealed: Uint8Array;
}

function unavailable(what: string, cause?: unknown): HostError {
  return new HostError(
    {
      code: 'secret-unavailable',
      message: `${what} cannot be opened by this worker.`,
      nextAction: 'Check that the worker has the seal.key of this installation, or store the secret again.',
    },
    { cause },
  );
}

async function openRow(context: WorkerContext, row: SecretRow, what: string): Promise<string> {
  try {
    const { purpose, owner, id, version, keyId } = row;
    const isOwn = keyId === context.sealKey.keyId;
    const key = isOwn ? context.sealKey : ((await context.findSealKey?.(keyId)) ?? context.sealKey);
    return openSealed(key, row.sealed, { purpose, owner, id, version }).toString('utf8');
  } catch (cause) {
    throw unavailable(what, cause);
  }
}

/** Value of a secret that a topology refers to. Throws HostError `secret-unavailable`. */
async function readSecret(context: WorkerContext, ref: SecretRef): Promise<string> {
  const row = await context.db.prisma.secret.findUnique({ where: { id: ref.id } });
  if (!row || row.version !== ref.version) throw unavailable(`The secret ${ref.id} v${ref.version}`);
  return openRow(context, row, `The secret ${ref.id} v${ref.version}`);
}

/** Newest sealed value of (purpose, owner), or null. */
export async function readNewestSecret(
  context: WorkerContext,
  purpose: string,
  owner: string,
  what: string,
): Promise<string | null> {
  const row = await context.db.prisma.secret.findFirst({
    where: { purpose, owner },
    orderBy: { version: 'desc' },
  });
  return row && (await openRow(context, row, what));
}

/** Values of all references, opened once; the function throws for a reference that was not among them. */
export async function readSecrets(
  context: WorkerContext,
  refs: readonly SecretRef[],
): Promise<readonly { ref: SecretRef; value: string }[]> {
  return Promise.all(refs.map(async (ref) => ({ ref, value: await readSecret(context, ref) })));
}
