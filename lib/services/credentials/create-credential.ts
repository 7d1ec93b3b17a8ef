import type { CredentialView } from '@/lib/access/credential-view';
import { CredentialInput, CredentialSecret } from '@/lib/access/credential-view';
import { AppError } from '@/lib/core/errors';
import { CredentialId } from '@/lib/core/ids';
import type { ServiceContext } from '../context';
import { authorise, newId } from '../context';
import { parseInput } from '../parse-input';
import { storeSecret } from '../store-secret';
import { isUniqueViolation, transact } from '../transact';
import { readPrivateKey } from './read-private-key';
import { readPublicKey } from './read-public-key';

/** The secret parts as they will be sealed, and what may be known of them. */
function toParts(input: CredentialInput): { secret: CredentialSecret; publicInfo: string } {
  const sudo = input.sudoPassword ? { sudoPassword: input.sudoPassword } : {};
  if (input.kind === 'password') return { secret: { password: input.password, ...sudo }, publicInfo: '' };
  if (input.kind === 'agent') {
    const key = input.publicKey ? readPublicKey(input.publicKey) : null;
    const secret = { agent: true as const, ...(key && { publicKey: key.line }), ...sudo };
    return { secret, publicInfo: key?.fingerprint ?? '' };
  }
  const key = readPrivateKey(input.privateKey, input.passphrase);
  const passphrase = key.keepsPassphrase && input.passphrase ? { passphrase: input.passphrase } : {};
  return { secret: { privateKey: key.privateKey, ...passphrase, ...sudo }, publicInfo: key.fingerprint };
}

/** Stores a credential; its secret parts are sealed to the workers and cannot be read back by anyone (S4). */
export async function createCredential(ctx: ServiceContext, input: unknown): Promise<CredentialView> {
  authorise(ctx, 'credential.create');
  const parsed = parseInput(CredentialInput, input);
  if (parsed.kind === 'agent') authorise(ctx, 'credential.create-agent');
  const { secret, publicInfo } = toParts(parsed);
  const { name, kind } = parsed;
  const id = newId('c');
  const createdBy = ctx.actor.email;
  try {
    const { createdAt } = await transact(ctx, async (tx) => {
      const row = await tx.prisma.credential.create({ data: { id, name, kind, publicInfo, createdBy } });
      const plaintext = JSON.stringify(CredentialSecret.parse(secret));
      await storeSecret(ctx, tx, { purpose: 'credential', owner: id, plaintext });
      await tx.audit('credential.create', id, { name, kind, publicInfo });
      await tx.changed('credential', id);
      return row;
    });
    return {
      id: CredentialId.parse(id),
      name,
      kind,
      publicInfo,
      createdAt: createdAt.toISOString(),
      createdBy,
      usedByNodes: 0,
    };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('conflict', `There is already a credential called ${name}. Pick another name.`, {
      fields: { name: 'another credential has this name' },
    });
  }
}
