import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { quoteShell, toShellAssignments } from '@/lib/core/shell-quote';
import { toConnectionLost } from './classify-ssh-error';
import { endChannel } from './end-channel';
import { FrameScanner } from './frame-scanner';
import { HostError } from './host-error';
import { openProgram, type ProgramHost } from './open-program';

/** Payloads travel through the shell's own input; larger things are uploads. */
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;

/** The shell that reads our frames. Its process group is printed with each frame, so that a hanging one can be ended. */
const SHELL_PROGRAM = `LC_ALL=C
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
export LC_ALL PATH
unset ENV BASH_ENV
umask 022
exec sh`;
const PRELUDE = `siteplan_group=
if read -r siteplan_stat 2>/dev/null < /proc/$$/stat; then
set -- \${siteplan_stat##*) }
siteplan_group=$3
set --
fi
`;
const KILL_GROUP = `case $sp_group in ''|*[!0-9]*) exit 0;; esac
if [ "$sp_group" -gt 1 ]; then kill -TERM "-$sp_group"; sleep 1; kill -KILL "-$sp_group"; fi 2>/dev/null`;

export interface ScriptCall {
  /** Constant sh text. */
  readonly script: string;
  /** Set before the script as `sp_NAME`, through the one quoting function. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The script's standard input, any bytes; without it standard input is empty. */
  readonly payload?: string | Uint8Array;
  /** `Infinity` for a script that lasts as long as it lasts. */
  readonly timeoutMs: number;
  /** Per stream; 1 MiB. What is beyond is dropped and `truncated` says so. */
  readonly maxOutputBytes?: number;
  /** Gets standard output as it comes, in order, and the result holds none; while it is pending the host is held back. */
  readonly onData?: (chunk: Buffer) => void | Promise<void>;
}

export interface ScriptResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly truncated: boolean;
}

export interface FramedShell {
  /**
   * Runs one script in a subshell and gives its exit code and output, whatever that was. Calls wait for each other.
   * Rejects with HostError `step-timeout` (the script's processes are ended and the shell is replaced) or
   * `connection-lost`.
   */
  readonly run: (call: ScriptCall) => Promise<ScriptResult>;
  readonly close: () => void;
}

function toFrame(mark: string, call: ScriptCall): string {
  const payload = call.payload === undefined ? null : Buffer.from(call.payload);
  if (payload && payload.length > MAX_PAYLOAD_BYTES) throw new Error('a payload of this size is an upload');
  // Quoted as a value, the script is parsed only inside the subshell: an error in it cannot reach the frame.
  const body = `(\n${toShellAssignments(call.variables ?? {})}eval ${quoteShell(call.script)}\n)`;
  const input = payload
    ? `printf %s ${quoteShell(payload.toString('base64'))} | base64 -d | ${body}\n`
    : `${body} </dev/null\n`;
  return (
    `printf '\\n%s %s\\n' ${mark}-begin "$siteplan_group"; printf '\\n%s\\n' ${mark}-begin >&2\n${input}` +
    `siteplan_code=$?\nprintf '\\n%s %s\\n' ${mark}-end "$siteplan_code"; printf '\\n%s\\n' ${mark}-end >&2\n`
  );
}

/** Hands chunks over one after the other and holds the channel back meanwhile. */
class Delivery {
  #tail: Promise<void> = Promise.resolve();
  readonly #channel: ClientChannel;
  readonly #onData: NonNullable<ScriptCall['onData']>;
  readonly #onError: (error: unknown) => void;

  constructor(
    channel: ClientChannel,
    onData: NonNullable<ScriptCall['onData']>,
    onError: (error: unknown) => void,
  ) {
    this.#channel = channel;
    this.#onData = onData;
    this.#onError = onError;
  }

  /** Settled when everything so far is handed over; never rejects. */
  get done(): Promise<void> {
    return this.#tail;
  }

  push(chunk: Buffer): void {
    this.#channel.pause();
    const tail = this.#tail
      .then(() => this.#onData(chunk))
      .catch(this.#onError)
      .then(() => {
        if (this.#tail === tail) this.#channel.resume();
      });
    this.#tail = tail;
  }
}

/** One call on an open channel: resolves with the result, rejects when time is up or the channel ends. */
function runFrame(
  channel: ClientChannel,
  host: ProgramHost,
  call: ScriptCall,
  onGroup: (group: string) => void,
): Promise<ScriptResult> {
  const mark = `siteplan-${randomBytes(16).toString('hex')}`;
  const maxBytes = call.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const frame = toFrame(mark, call);
  return new Promise<ScriptResult>((resolve, reject) => {
    const fail = (error: unknown) => {
      stop();
      onGroup(out.beginWords ?? '');
      reject(error);
    };
    const delivery = call.onData && new Delivery(channel, call.onData, fail);
    const sink = delivery && ((bytes: Buffer) => delivery.push(bytes));
    const out = new FrameScanner(`${mark}-begin`, `${mark}-end`, maxBytes, sink);
    const err = new FrameScanner(`${mark}-begin`, `${mark}-end`, maxBytes);
    const onEnd = () => {
      stop();
      reject(new HostError(toConnectionLost(host.context), { cause: new Error('the shell ended') }));
    };
    const isLimited = Number.isFinite(call.timeoutMs);
    const timer = isLimited && setTimeout(() => fail(toTimeout(host, call.timeoutMs)), call.timeoutMs);
    const onOut = (chunk: Buffer) => {
      out.push(chunk);
      settle();
    };
    const onErr = (chunk: Buffer) => {
      err.push(chunk);
      settle();
    };
    const settle = () => {
      if (out.endWords === null || err.endWords === null) return;
      stop();
      const result = {
        exitCode: Number(out.endWords),
        stdout: out.output,
        stderr: err.output,
        truncated: out.isTruncated || err.isTruncated,
      };
      void Promise.resolve(delivery?.done).then(() => resolve(result));
    };
    const stop = () => {
      if (timer !== false) clearTimeout(timer);
      channel.removeListener('data', onOut).removeListener('close', onEnd);
      channel.stderr.removeListener('data', onErr);
    };
    channel.on('data', onOut).once('close', onEnd);
    channel.stderr.on('data', onErr);
    channel.resume();
    channel.write(frame);
  });
}

function toTimeout({ context }: ProgramHost, timeoutMs: number): HostError {
  return new HostError({
    code: 'step-timeout',
    message: `A command on ${context.name} did not end within ${Math.round(timeoutMs / 1000)} s and was ended.`,
    nextAction: 'Look at what keeps the host busy, then try again.',
  });
}

/** Frames over one channel of the connection; the channel is opened with the first call and again after a loss. */
export function createFramedShell(host: ProgramHost): FramedShell {
  let channel: Promise<ClientChannel> | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const open = () => {
    if (channel) return channel;
    const opening: Promise<ClientChannel> = openProgram(host, SHELL_PROGRAM).then((opened) => {
      // An idle shell that ends is noticed here; the next call opens another, or hears that the connection is lost.
      opened.once('close', () => {
        if (channel === opening) channel = null;
      });
      opened.write(PRELUDE);
      return opened;
    });
    channel = opening;
    return opening;
  };
  const drop = async () => {
    const dropped = await channel?.catch(() => null);
    channel = null;
    if (dropped) endChannel(dropped);
  };
  const endGroup = async (group: string) => {
    const killer = createFramedShell(host);
    // Best effort: where the connection is gone as well, the host's own hang-up has to do.
    await killer
      .run({ script: KILL_GROUP, variables: { group }, timeoutMs: 5_000 })
      .catch(() => undefined)
      .finally(killer.close);
  };
  const runOne = async (call: ScriptCall): Promise<ScriptResult> => {
    if (isClosed)
      throw new HostError(toConnectionLost(host.context), { cause: new Error('shell is closed') });
    let hanging: string | null = null;
    try {
      return await runFrame(await open(), host, call, (group) => {
        hanging = group;
      });
    } catch (error) {
      await drop();
      if (hanging) await endGroup(hanging);
      throw error;
    }
  };
  return {
    run: (call) => {
      const result = tail.then(() => runOne(call));
      tail = result.catch(() => undefined);
      return result;
    },
    close: () => {
      isClosed = true;
      void drop();
    },
  };
}
