import type { NodeId } from '@/lib/core/ids';
import { toSafeLine } from '@/lib/core/text';
import type { NodeFacts } from '@/lib/health/facts';
import { FACTS_SCRIPT } from '@/lib/health/facts-script';
import { parseFacts } from '@/lib/health/parse-facts';
import type { RenderedFile } from '@/lib/render/rendered-file';
import { toSlottedFile } from '@/lib/render/slotted-file';
import type { FramedShell } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import type { SecretRef } from '@/lib/topology/topology';
import { toFailure } from './step-failure';

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface ReadFactsOptions {
  readonly nodeId: NodeId;
  /** Name of the host for messages. */
  readonly host: string;
  /** Files to read whole; what `planWrites` lists. */
  readonly paths: readonly string[];
  /** Files of the node as the topology has them now: one that stands there, filled, is told as it was rendered. */
  readonly rendered?: readonly RenderedFile[];
  /** Secrets of the site: where their values stand in a file, the facts hold their slots. */
  readonly knownSecrets: readonly { readonly ref: SecretRef; readonly value: string }[];
  /** Empty on a host; a directory below which every path is, for tests. */
  readonly root?: string;
  /** The worker's clock, milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Reads one node's facts over a framed shell and changes nothing. Rejects with HostError. */
export async function readFacts(shell: FramedShell, options: ReadFactsOptions): Promise<NodeFacts> {
  const { nodeId, host, paths, rendered = [], knownSecrets, root = '', nowMs } = options;
  // The first call of a shell also opens it; the clock offset is measured on an open one.
  await shell.run({ script: ':', timeoutMs: TIMEOUT_MS });
  const sentAtMs = nowMs();
  const result = await shell.run({
    script: FACTS_SCRIPT,
    variables: { paths: paths.join('\n'), root },
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  });
  const receivedAtMs = nowMs();
  try {
    if (result.exitCode !== 0 || result.truncated) throw new Error(`exit ${result.exitCode}`);
    const toSlotted = (content: string, path: string) =>
      toSlottedFile(
        content,
        rendered.find((file) => file.path === path),
        knownSecrets,
      );
    return parseFacts(result.stdout.toString('utf8'), nodeId, { sentAtMs, receivedAtMs }, toSlotted);
  } catch (cause) {
    const said = toSafeLine(result.stderr.toString('utf8').trim(), 200);
    const message = `The facts of ${host} could not be read${said === '' ? '.' : `; it says: ${said}`}`;
    throw new HostError(toFailure('probe-failed', message), { cause });
  }
}
