import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Actor, Grant } from '@/lib/access/grant';
import { setPassword } from '@/lib/auth/accounts';
import type { WebRuntime } from '@/lib/auth/runtime';
import { createRuntime } from '@/lib/auth/runtime';
import { readEnv } from '@/lib/env/env';
import { toKeyId } from '@/lib/secrets/seal';
import type { SealPrivateKey } from '@/lib/secrets/seal';
import type { ServiceContext } from '@/lib/services/context';
import type { TestDatabase } from './test-database';

export interface WebFixture {
  readonly runtime: WebRuntime;
  /** What only workers have. */
  readonly sealKey: SealPrivateKey;
  /** A person with grants; with a password they can sign in. */
  readonly createPerson: (grants: readonly Grant[], password?: string) => Promise<ServiceContext>;
}

let count = 0;

/** The web process without its server: real database role, real keys, real sign-in. */
export function createWebFixture(
  database: Pick<TestDatabase, 'web'>,
  publicUrl = 'http://127.0.0.1:3000',
): WebFixture {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const sealKey = { key: publicKey, privateKey, keyId: toKeyId(publicKey) };
  const keys = {
    audit: randomBytes(32),
    session: randomBytes(32),
    seal: { key: publicKey, keyId: sealKey.keyId },
  };
  const env = readEnv({ SITEPLAN_PUBLIC_URL: publicUrl }, { isRoot: false, cwd: '/' });
  const runtime = createRuntime({ env, db: database.web, keys });
  const createPerson = async (grants: readonly Grant[], password?: string): Promise<ServiceContext> => {
    count += 1;
    const [userId, email, name] = [`u-${count}`, `person-${count}@example.net`, `Person ${count}`];
    await runtime.db.prisma.user.create({ data: { id: userId, email, name } });
    await runtime.db.prisma.grant.createMany({
      data: grants.map(({ siteId, role }, index) => ({ id: `g-${count}-${index}`, userId, siteId, role })),
    });
    const actor: Actor = {
      userId,
      email,
      name,
      grants,
      via: 'session',
      credentialId: `session-of-${userId}`,
      ip: '192.0.2.1',
      requestId: `request-${count}`,
    };
    if (password)
      await setPassword({ db: runtime.db, auditKey: keys.audit, by: actor }, { userId, password });
    return { db: runtime.db, keys: runtime.keys, actor };
  };
  return { runtime, sealKey, createPerson };
}
