import type { ArtifactCache } from '@/lib/artifacts/artifact-cache';
import type { Database } from '@/lib/db/connect';
import type { Logger } from '@/lib/log/logger';
import type { SealPrivateKey } from '@/lib/secrets/seal';
import type { AddressPolicy } from '@/lib/ssh/address-policy';

/** What everything in a worker works with. */
export interface WorkerContext {
  readonly db: Database;
  readonly sealKey: SealPrivateKey;
  /** For secrets sealed to another key than `sealKey`: during and after a rotation. Absent where there is only one. */
  readonly findSealKey?: (keyId: string) => Promise<SealPrivateKey | null>;
  readonly policy: AddressPolicy;
  /** Socket of the agent for credentials of kind `agent`; absent or null where this worker has none. */
  readonly sshAgent?: string | null;
  /** Release files that this worker sends to hosts; absent where it keeps none. */
  readonly artifacts?: ArtifactCache;
  readonly log: Logger;
  /** Name of this worker process in leases and logs: host, pid and a random part. */
  readonly holder: string;
  /** Id of this installation, for the fence on hosts. */
  readonly installationId: string;
  /** Aborts when the worker is told to stop. */
  readonly signal: AbortSignal;
}
