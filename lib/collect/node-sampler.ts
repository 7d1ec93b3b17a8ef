import type { Failure } from '@/lib/core/failure';
import { toBackoffMs } from '@/lib/run/backoff';
import { findSample } from '@/lib/health/sample-line';
import { SAMPLER_SCRIPT, toSamplerVariables } from '@/lib/health/sampler-script';
import type { Sample } from '@/lib/health/sample';
import type { Logger } from '@/lib/log/logger';
import type { HostConnection } from '@/lib/ssh/connect-host';
import { HostError } from '@/lib/ssh/host-error';
import type { ScriptStream } from '@/lib/ssh/stream-script';
import type { TopologyNode } from '@/lib/topology/topology';

/** A line that is longer than this is no sample; the stream is hostile. */
const MAX_LINE_BYTES = 8_192;
/** Pauses between tries stay at or below 8 s: a host that is back is seen soon. */
const MAX_BACKOFF_STEP = 4;

/** What is known of a node at this moment. */
export interface NodeReading {
  readonly sample: Sample | null;
  /** Why nothing comes, while nothing comes. */
  readonly failure: Failure | null;
}

export interface NodeSampler {
  readonly read: () => NodeReading;
  readonly stop: () => Promise<void>;
}

/** Cuts a byte stream into lines; a line that grows too long is dropped up to its end. */
export function createLineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let isDropping = false;
  return (chunk) => {
    let data = Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      if (!isDropping && end <= MAX_LINE_BYTES) onLine(data.subarray(0, end).toString('utf8'));
      isDropping = false;
      data = data.subarray(end + 1);
    }
    isDropping ||= data.length > MAX_LINE_BYTES;
    rest = isDropping ? Buffer.alloc(0) : Buffer.from(data);
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}

/**
 * Streams one node's sampler over the shared connection for as long as it is open, reconnecting with growing pauses.
 * Never throws: what goes wrong is the reading's `failure`.
 */
export function startNodeSampler(options: {
  readonly node: TopologyNode;
  readonly intervalS: number;
  readonly connect: () => Promise<HostConnection>;
  readonly log: Logger;
}): NodeSampler {
  const { node, intervalS, connect, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let reading: NodeReading = { sample: null, failure: null };
  let stream: ScriptStream | null = null;

  const streamOnce = async (): Promise<void> => {
    const connection = await connect();
    const onData = createLineSplitter((line) => {
      const sample = findSample(line, Date.now());
      if (sample) reading = { sample, failure: null };
    });
    const variables = toSamplerVariables({ role: node.role, nodeName: node.name, intervalS });
    stream = await connection.stream({ script: SAMPLER_SCRIPT, variables, onData });
    if (signal.aborted) stream.close();
    await stream.done;
  };
  const loop = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const before = reading.sample;
      try {
        await streamOnce();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof HostError)) log.warn({ err: error, node: node.name }, 'the sampler stopped');
        if (error instanceof HostError) reading = { ...reading, failure: error.failure };
      }
      if (reading.sample !== before) attempt = 0;
      await sleep(toBackoffMs(Math.min(attempt + 1, MAX_BACKOFF_STEP), Math.random()), signal);
    }
  };
  const done = loop();
  return {
    read: () => reading,
    stop: async () => {
      stopping.abort();
      stream?.close();
      await done;
    },
  };
}
