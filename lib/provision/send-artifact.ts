import { ArtifactError } from '@/lib/artifacts/artifact-error';
import type { CachedArtifact } from '@/lib/artifacts/artifact-cache';
import { toBytesText } from '@/lib/core/duration';
import { sha256Hex } from '@/lib/core/hash';
import { toFileSource } from '@/lib/ssh/file-source';
import { HostError } from '@/lib/ssh/host-error';
import { INCOMING_DIR } from '@/lib/steps/artifact-push';
import type { ReleaseFile } from '@/lib/steps/step-kind';
import type { FilledStep } from './fill-step';
import { StepCancelledError } from './host-session';
import type { StepContext } from './step-context';
import { toFailure } from './step-failure';

const LOOK_MS = 200;
const REPORT_MS = 5_000;
/** Nothing moved for so long although the link stands: a disk that hangs, say. */
const STALL_MS = 600_000;

/** What is under way and how far; the watch below tells it. */
interface Progress {
  words: string;
  doneBytes: number;
  /** 0 where it is not known. */
  totalBytes: number;
}

/**
 * Brings the release file of a step to its host, before the act: from the cache, which fetches what it lacks, to a
 * place below the host's own directory that is named after its SHA-256. Gives the step with what its act needs; a step
 * without a release file as it is. Not behind the fence, and it need not be: a stale worker can leave bytes there that
 * nobody asks for, and the act alone, which is fenced, puts them in place. What is sent stays for whoever comes next.
 *
 * Rejects with HostError, StepCancelledError or the signal's reason.
 */
export async function sendArtifact(context: StepContext): Promise<FilledStep> {
  const { step, artifacts } = context;
  const wanted = step.releaseFile;
  if (wanted === null) return step;
  if (!artifacts) throw new HostError(toFailure('internal', 'This worker keeps no release files.'));
  const progress: Progress = { words: '', doneBytes: 0, totalBytes: 0 };
  const { sums } = await watched(context, progress, async (signal) => {
    const found = await find(context, wanted, progress, signal);
    await send(context, found, progress, signal);
    return found;
  });
  return {
    ...step,
    variables: { ...step.variables, payload_sha256: sha256Hex(sums) },
    payload: sums,
  };
}

async function find(
  { artifacts }: StepContext,
  wanted: ReleaseFile,
  progress: Progress,
  signal: AbortSignal,
): Promise<CachedArtifact> {
  if (!artifacts) throw new Error('no artifact cache'); // looked at by the caller
  const onProgress = (doneBytes: number, totalBytes: number) => {
    Object.assign(progress, { words: `Siteplan downloads ${wanted.file}`, doneBytes, totalBytes });
  };
  try {
    return await artifacts.find(wanted, { signal, onProgress });
  } catch (error) {
    if (error instanceof ArtifactError) throw new HostError(error.failure, { cause: error });
    throw error;
  }
}

async function send(
  { session, step }: StepContext,
  { path, sizeBytes, sha256 }: CachedArtifact,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const source = await toFileSource(path, { sizeBytes, sha256 });
  const root = step.variables['root'] ?? '';
  const target = { path: `${root}/var/lib/siteplan-host/${INCOMING_DIR}/${sha256}`, mode: '0600' };
  const onProgress = (doneBytes: number) => {
    const words = `sends ${step.releaseFile?.file ?? ''}`;
    Object.assign(progress, { words, doneBytes, totalBytes: sizeBytes });
  };
  await session.use(({ connection }) => connection.upload(source, target, { signal, onProgress }));
}

/**
 * Does the work under a signal that fires when the run is cancelled, the engine stops, or nothing moves any more, and
 * says every few seconds in the log how far it is.
 */
async function watched<T>(
  context: StepContext,
  progress: Progress,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const watching = watch(context, progress, stop, over.signal);
  try {
    return await work(signal);
  } catch (error) {
    // Whatever the end of the work was, this was its cause.
    if (stop.signal.aborted && !context.signal.aborted) throw stop.signal.reason;
    throw error;
  } finally {
    over.abort();
    await watching;
  }
}

/** Never rejects. */
async function watch(
  { clock, writer, step, session, isCancelRequested }: StepContext,
  progress: Progress,
  stop: AbortController,
  over: AbortSignal,
): Promise<void> {
  let movedAt = clock.now();
  let reportedAt = clock.now();
  let last = '';
  for (;;) {
    await clock.sleep(LOOK_MS, over).catch(() => undefined);
    if (over.aborted) return;
    const now = clock.now();
    const text = toProgressText(progress);
    if (text !== last) movedAt = now;
    if (text !== last && now - reportedAt >= REPORT_MS) {
      writer.push({ type: 'step.progress', stepId: step.id, text });
      reportedAt = now;
    }
    last = text;
    if (isCancelRequested()) stop.abort(new StepCancelledError());
    else if (now - movedAt > STALL_MS) {
      const host = session.connected?.connection.name ?? 'the host';
      const message = `"${step.title}" to ${host} came to a stop: nothing moved for ${STALL_MS / 60_000} minutes.`;
      stop.abort(new HostError(toFailure('step-timeout', message)));
    }
  }
}

/** `sends FILE: 120 of 800 MiB`. */
function toProgressText({ words, doneBytes, totalBytes }: Progress): string {
  const toMiB = (bytes: number) => Math.floor(bytes / 1_048_576);
  if (totalBytes === 0) return doneBytes === 0 ? words : `${words}: ${toBytesText(doneBytes)}`;
  return `${words}: ${toMiB(doneBytes)} of ${Math.ceil(totalBytes / 1_048_576)} MiB`;
}
