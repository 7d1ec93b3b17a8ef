import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connectDatabase } from '@/lib/db/connect';
import { Plan } from '@/lib/plan/plan';
import { executeRun } from '@/lib/provision/run-engine';
import { connectHost } from '@/lib/ssh/connect-host';
import { toEngineOptions } from '@/lib/testing/engine-rig';
import { BENCH_POLICY } from './bench-hosts';
import { findBenchKind } from './bench-steps';
import type { EngineAnswer, EngineRequest } from './engine-protocol';

/**
 * The engine as a process of its own: a request a line on standard input, an answer a line on standard output, runs at
 * the same time. Ends when its input does.
 */
const [, , databaseUrl = ''] = process.argv;
const db = connectDatabase(databaseUrl, 'siteplan_worker');
const running = new Set<Promise<void>>();

function readStatusKiB(field: string): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
}

function readUsage(): Extract<EngineAnswer, { op: 'usage' }>['usage'] {
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1000,
    rssKiB: readStatusKiB('VmRSS'),
    peakRssKiB: readStatusKiB('VmHWM'),
  };
}

async function run(request: Extract<EngineRequest, { op: 'run' }>): Promise<EngineAnswer> {
  const { id, runId, hosts } = request;
  const plan = Plan.parse(request.plan);
  const startedMs = performance.now();
  const state = await executeRun({
    ...toEngineOptions(db, { runId, epoch: BigInt(request.epoch), plan, hosts }),
    connect: async (nodeId) => {
      const host = hosts.find((candidate) => candidate.nodeId === nodeId);
      if (!host) throw new Error(`no host ${nodeId}`);
      return connectHost(host.target, { policy: BENCH_POLICY });
    },
    findKind: findBenchKind,
    onError: (error) => console.error(error),
  });
  return { id, op: 'run', state, wallMs: performance.now() - startedMs };
}

async function answer(request: EngineRequest): Promise<EngineAnswer> {
  if (request.op === 'run') return run(request);
  // 5 sets the peak back to what is resident now (proc(5), clear_refs).
  if (request.resetsPeak) writeFileSync('/proc/self/clear_refs', '5');
  return { id: request.id, op: 'usage', usage: readUsage() };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as EngineRequest; // the parent writes exactly this shape
  const work = answer(request)
    .catch((error: unknown): EngineAnswer => ({ id: request.id, op: 'error', error: String(error) }))
    .then((said) => {
      console.log(JSON.stringify(said));
    })
    .finally(() => running.delete(work));
  running.add(work);
}
await Promise.all(running);
await db.close();
