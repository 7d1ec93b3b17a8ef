import { toConnectionLost } from './classify-ssh-error';
import { endChannel } from './end-channel';
import { HostError } from './host-error';
import { openProgram, type ProgramHost } from './open-program';
import { toProgram } from './to-program';

const MAX_STDERR_BYTES = 8 * 1024;

const STREAM_PRELUDE = `LC_ALL=C; export LC_ALL
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"; export PATH
exec </dev/null
`;

export interface StreamCall {
  /** Constant sh text; its standard input is empty. */
  readonly script: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Gets every byte of standard output in order; while it is pending the host is held back. */
  readonly onData: (chunk: Buffer) => void | Promise<void>;
}

export interface ScriptStream {
  /** How the script ended. Rejects with HostError `connection-lost`, or with what `onData` threw. */
  readonly done: Promise<{ readonly exitCode: number; readonly stderr: string }>;
  /** Ends the stream from our side; `done` then rejects. */
  readonly close: () => void;
}

/** Runs a script on a channel of its own: journals, samplers, anything that lasts. Rejects like `openProgram`. */
export async function streamScript(host: ProgramHost, call: StreamCall): Promise<ScriptStream> {
  const channel = await openProgram(host, toProgram(call.variables ?? {}, STREAM_PRELUDE, call.script));
  let stderr = Buffer.alloc(0);
  let exitCode: number | null = null;
  channel.stderr.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-MAX_STDERR_BYTES);
  });
  channel.on('exit', (code: number | null) => {
    exitCode = code ?? 255;
  });
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  const read = async () => {
    try {
      for await (const chunk of channel) {
        // Channels have no encoding set, so chunks are buffers.
        const pending = call.onData(chunk as Buffer);
        if (pending) await pending;
      }
    } finally {
      endChannel(channel);
    }
    await closed;
    if (exitCode === null) throw new HostError(toConnectionLost(host.context));
    return { exitCode, stderr: stderr.toString('utf8') };
  };
  return { done: read(), close: () => endChannel(channel) };
}
