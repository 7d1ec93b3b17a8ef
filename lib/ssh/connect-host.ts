import type { Duplex } from 'node:stream';
import type { Failure } from '@/lib/core/failure';
import { toConnectionLost } from './classify-ssh-error';
import { createFramedShell, type FramedShell } from './framed-shell';
import { HostError } from './host-error';
import { openClient } from './open-client';
import { openForward } from './open-forward';
import type { ProgramHost } from './open-program';
import type { OpenClient } from './start-client';
import { streamScript, type ScriptStream, type StreamCall } from './stream-script';
import type { ConnectOptions, HostTarget } from './target';
import {
  uploadFile,
  type UploadOptions,
  type UploadResult,
  type UploadSource,
  type UploadTarget,
} from './upload-file';

/**
 * One SSH connection to one host, for one worker. Every method rejects with HostError. Where sshd allows fewer sessions
 * on a connection than there are programs (MaxSessions), a program beyond that has a connection of its own, which ends
 * with it and with this one.
 */
export interface HostConnection {
  /** Name of the host for messages. */
  readonly name: string;
  /** A shell of its own channel; make one per thing that goes on at the same time. */
  readonly openShell: () => FramedShell;
  readonly stream: (call: StreamCall) => Promise<ScriptStream>;
  readonly upload: (
    source: UploadSource,
    target: UploadTarget,
    options?: UploadOptions,
  ) => Promise<UploadResult>;
  /** A byte stream to an address as the host sees it (the relay's service, the API server). */
  readonly openTunnel: (address: string, port: number) => Promise<Duplex>;
  /** Calls `listener` once when the connection is gone: null after `close`, else why. Returns how to stop listening. */
  readonly onClose: (listener: (failure: Failure | null) => void) => () => void;
  readonly close: () => void;
}

async function openTunnel(
  { client, context }: OpenClient,
  address: string,
  port: number,
  options: ConnectOptions,
): Promise<Duplex> {
  try {
    return await openForward(client, address, port, options);
  } catch (cause) {
    throw new HostError(toConnectionLost(context), { cause });
  }
}

/**
 * Connects to a host: address checked (S18), host key compared before any authentication (S11), pinned algorithms
 * (S13), no-delay socket, pings. Rejects with HostError, its cause classified.
 */
export async function connectHost(target: HostTarget, options: ConnectOptions): Promise<HostConnection> {
  const open = await openClient(target, options);
  const openMore = async () => {
    const more = await openClient(target, options);
    void open.closed.then(more.close);
    return more;
  };
  const host: ProgramHost = { client: open.client, sudo: target.sudo, context: open.context, openMore };
  return {
    name: target.name,
    openShell: () => createFramedShell(host),
    stream: (call) => streamScript(host, call),
    upload: (source, to, options) => uploadFile(host, source, to, options),
    openTunnel: (address, port) => openTunnel(open, address, port, options),
    onClose: (listener) => {
      let isListening = true;
      void open.closed.then((error) => {
        if (isListening) listener(error?.failure ?? null);
      });
      return () => {
        isListening = false;
      };
    },
    close: open.close,
  };
}
