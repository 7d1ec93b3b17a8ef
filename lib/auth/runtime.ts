import { connectDatabase } from '@/lib/db/connect';
import type { Database } from '@/lib/db/connect';
import { stopListening } from '@/lib/db/listen';
import type { Env } from '@/lib/env/env';
import { env, EnvError } from '@/lib/env/env';
import { onShutdown } from '@/lib/env/shutdown';
import { createSealPublicReader } from '@/lib/secrets/keyring';
import { loadSealPublicKey, loadSymmetricKey } from '@/lib/secrets/keys';
import type { SealPublicKey } from '@/lib/secrets/seal';
import type { Auth } from './create-auth';
import { createAuth } from './create-auth';

/** What the web process holds once: its pool, the keys that it may have, the sign-in library. */
export interface WebRuntime {
  readonly env: Env;
  readonly db: Database;
  readonly keys: { readonly audit: Buffer; readonly seal: SealPublicKey };
  readonly auth: Auth;
}

/** Builds a runtime from its parts; tests call it with a database of their own. */
export function createRuntime(parts: {
  env: Env;
  db: Database;
  keys: WebRuntime['keys'] & { readonly session: Buffer };
}): WebRuntime {
  const { session, audit } = parts.keys;
  const keys = {
    audit,
    /** Asked for at each use: a rotation of the seal key needs no restart. */
    get seal() {
      return parts.keys.seal;
    },
  };
  const auth = createAuth({ prisma: parts.db.prisma, sessionKey: session, publicUrl: parts.env.publicUrl });
  return { env: parts.env, db: parts.db, keys, auth };
}

async function openRuntime(): Promise<WebRuntime> {
  const settings = env();
  if (!settings.databaseUrl) throw new EnvError('DATABASE_URL must be set for the web process.');
  const { keysDir } = settings;
  const [session, audit, seal] = await Promise.all([
    loadSymmetricKey(keysDir, 'session'),
    loadSymmetricKey(keysDir, 'audit'),
    loadSealPublicKey(keysDir),
  ]);
  const db = connectDatabase(settings.databaseUrl, 'siteplan_web');
  onShutdown(async () => {
    await stopListening(db);
    await db.close();
  });
  const readSeal = createSealPublicReader(keysDir, seal);
  const keys = {
    session,
    audit,
    get seal() {
      return readSeal();
    },
  };
  return createRuntime({ env: settings, db, keys });
}

const KEY = Symbol.for('siteplan.web-runtime');

/**
 * The runtime of this process, opened on first use. It hangs on `globalThis` because Next bundles this module once
 * per kind of route, and one pool per bundle would be many.
 */
export function webRuntime(): Promise<WebRuntime> {
  const holder = globalThis as { [KEY]?: Promise<WebRuntime> }; // the symbol is ours alone
  holder[KEY] ??= openRuntime().catch((error: unknown) => {
    delete holder[KEY]; // keys or database may be there at the next request
    throw error;
  });
  return holder[KEY];
}
