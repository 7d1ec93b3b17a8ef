import { CLUSTER_CA_SCRIPT, findClusterCa } from '@/lib/render/cluster-ca';
import type { FramedShell } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import type { HostSession } from './host-session';
import { toFailure } from './step-failure';

const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 1024;

/**
 * SHA-256 of the cluster's CA in hex, as the token file of a server names it, or null where there is no such file. `root`
 * is where paths begin, empty on a host. Rejects with HostError when the host does not answer.
 */
export async function askClusterCa(shell: FramedShell, root = ''): Promise<string | null> {
  const { stdout } = await shell.run({
    script: CLUSTER_CA_SCRIPT,
    variables: { root },
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  });
  return findClusterCa(stdout.toString('latin1'));
}

/**
 * The same over a session of its own, which ends with it: steps of that host may be at work meanwhile, and what they left
 * there is not for the asker to tidy up. With `isActing` a cancel does not end the wait at once. Rejects with HostError `cluster-ca-unknown` where the host cannot say, and with
 * what the session rejects with.
 */
export async function readClusterCa(
  openSession: () => HostSession,
  { root, isActing }: { readonly root: string; readonly isActing: boolean },
): Promise<string> {
  const session = openSession();
  try {
    return await session.use(
      async ({ connection, shell }) => {
        const hash = await askClusterCa(shell, root);
        if (hash !== null) return hash;
        const message = `${connection.name}, the first server, does not say yet which CA the cluster has: no full token is in /var/lib/rancher/rke2/server/token.`;
        throw new HostError(toFailure('cluster-ca-unknown', message));
      },
      { isActing },
    );
  } finally {
    session.close();
  }
}

/** A host's failure with the step that had asked for the CA; any other error as it is. */
export function toClusterCaError(error: unknown, title: string): unknown {
  if (!(error instanceof HostError)) return error;
  const { failure } = error;
  const message = `"${title}" needs to know the CA of the cluster, so that the token goes to nobody else. ${failure.message}`;
  return new HostError({ ...failure, message }, { cause: error });
}
