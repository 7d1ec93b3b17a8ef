import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { createEngineRig } from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import type { Bench, BenchMetric, BenchOptions } from './bench';
import { startBenchDatabase, type BenchDatabase } from './bench-database';
import { buildBenchEngine, type BenchEngine } from './bench-engine';
import { BENCH_POLICY, startBenchHosts, toStepPath, type BenchHost, type BenchHosts } from './bench-hosts';
import { measureSurvival } from './exec-survival';
import { findMissingProgram, runMeasured } from './measured-command';
import { toMedian, toRangeText, toRounded } from './statistics';

const STEPS = 40;
const COMMANDS = 40;
const PROBES = 400;
const CONNECTS = 5;
const TIMEOUT_MS = 300_000;

interface Rig {
  readonly host: BenchHost;
  readonly database: BenchDatabase;
  readonly engine: BenchEngine;
  readonly connection: HostConnection;
  /** Directory of this bench alone: the socket of ssh's master, outputs. */
  readonly dir: string;
}

/** One pair: steps, probes and commands a second, and milliseconds to the first answer of a new connection. */
interface Pair {
  readonly stepsPerS: number;
  readonly probesPerS: number;
  readonly connectMs: number;
  readonly mastersPerS: number;
  readonly newConnectionMs: number;
}

let copies = 0;

/** A copy of a file each: probed, acted, verified, journaled, synced, stored. */
async function measureSteps({ host, database, engine }: Rig): Promise<number> {
  const steps = Array.from({ length: STEPS }, (): TestStep => {
    copies += 1;
    const path = toStepPath(host, `copy-${copies}`);
    return { nodeId: host.nodeId, kind: 'bench.copy', params: { from: '/etc/passwd', path } };
  });
  const wallMs = await engine.run(await createEngineRig(database.worker, [host], steps));
  return (STEPS / wallMs) * 1000;
}

/** What a probe costs that finds its host as wanted: one script over the shell that is open. */
async function measureProbes({ connection }: Rig): Promise<number> {
  const shell = connection.openShell();
  const probe = () => shell.run({ script: '/bin/true', variables: { name: 'probe' }, timeoutMs: 10_000 });
  await probe();
  const startedMs = performance.now();
  for (let at = 0; at < PROBES; at += 1) await probe();
  const wallMs = performance.now() - startedMs;
  shell.close();
  return (PROBES / wallMs) * 1000;
}

async function measureConnects({ host }: Rig): Promise<number> {
  const startedMs = performance.now();
  for (let at = 0; at < CONNECTS; at += 1) {
    const connection = await connectHost(host.target, { policy: BENCH_POLICY });
    await connection.openShell().run({ script: '/bin/true', timeoutMs: 10_000 });
    connection.close();
  }
  return (performance.now() - startedMs) / CONNECTS;
}

/** The same command by the OpenSSH client, over and over from one shell; milliseconds each. */
async function measurePeer(
  { host, dir }: Rig,
  count: number,
  command: string,
  extra: string[],
): Promise<number> {
  const { address, port, user } = host.target;
  const script = 'n=$1; shift; while [ "$n" -gt 0 ]; do n=$((n - 1)); "$@" || exit 1; done';
  const ssh = ['ssh', ...host.sshOptions, ...extra, '-p', String(port), `${user}@${address}`, command];
  const { wallMs } = await runMeasured(['sh', '-c', script, 'sh', String(count), ...ssh], {
    outputPath: join(dir, 'peer.out'),
    timeoutMs: TIMEOUT_MS,
  });
  return wallMs / count;
}

async function measurePair(rig: Rig, control: string[], say: BenchOptions['say']): Promise<Pair> {
  const copy = `cp /etc/passwd ${rig.host.scratch}/peer`;
  const stepsPerS = await measureSteps(rig);
  const mastersPerS = 1000 / (await measurePeer(rig, COMMANDS, copy, control));
  const probesPerS = await measureProbes(rig);
  const newConnectionMs = await measurePeer(rig, CONNECTS, '/bin/true', []);
  const connectMs = await measureConnects(rig);
  say(
    `  steps ${toRounded(stepsPerS)}/s, probes ${toRounded(probesPerS)}/s, ControlMaster ${toRounded(mastersPerS)}/s; ` +
      `connect ${toRounded(connectMs)} ms, ssh ${toRounded(newConnectionMs)} ms`,
  );
  return { stepsPerS, probesPerS, connectMs, mastersPerS, newConnectionMs };
}

function toMetrics(pairs: readonly Pair[], kind: string): BenchMetric[] {
  const range = (read: (pair: Pair) => number, unit: string) => toRangeText(pairs.map(read), unit);
  const master = range(({ mastersPerS }) => mastersPerS, '/s');
  const metric = (
    name: string,
    read: (pair: Pair) => number,
    rest: Pick<BenchMetric, 'goal' | 'better'> & { detail: string },
  ): BenchMetric => {
    const values = pairs.map(read);
    const detail = `${toRangeText(values)} over ${pairs.length} pairs; ${rest.detail}`;
    return { ...rest, name, value: toRounded(toMedian(values)), unit: '×', detail };
  };
  return [
    metric('step_ratio_vs_controlmaster', ({ stepsPerS, mastersPerS }) => stepsPerS / mastersPerS, {
      goal: 0.8,
      better: 'higher',
      detail: `${range(({ stepsPerS }) => stepsPerS, '/s')} whole steps against ${master} bare commands on ${kind}; bounded by about ten processes and two syncs that an act costs its host`,
    }),
    metric('probe_ratio_vs_controlmaster', ({ probesPerS, mastersPerS }) => probesPerS / mastersPerS, {
      goal: 8,
      better: 'higher',
      detail: `${range(({ probesPerS }) => probesPerS, '/s')} against ${master}; bounded by the two processes that a probe costs its host`,
    }),
    metric('connect_ratio_vs_ssh', ({ connectMs, newConnectionMs }) => connectMs / newConnectionMs, {
      goal: 0.3,
      better: 'lower',
      detail: `${range(({ connectMs }) => connectMs, ' ms')} to the first answer against ${range(({ newConnectionMs }) => newConnectionMs, ' ms')}; bounded by sshd's login and its key exchange`,
    }),
  ];
}

async function measureAll(
  hosts: BenchHosts,
  database: BenchDatabase,
  { pairs, say }: BenchOptions,
): Promise<BenchMetric[]> {
  const [host] = hosts.hosts;
  if (!host) throw new Error('no host');
  const engines = await buildBenchEngine();
  const engine = engines.start(database.workerUrl);
  const connection = await connectHost(host.target, { policy: BENCH_POLICY });
  const dir = await mkdtemp(join(tmpdir(), 'siteplan-exec-'));
  try {
    const rig = { host, database, engine, connection, dir };
    const control = [
      ...['-o', `ControlPath=${join(dir, 'master')}`],
      ...['-o', 'ControlMaster=auto', '-o', 'ControlPersist=60'],
    ];
    // Each once before it counts: files come into the cache, the master connects.
    await measurePair(rig, control, () => undefined);
    const samples: Pair[] = [];
    for (let pair = 1; pair <= pairs; pair += 1) {
      say(`pair ${pair} of ${pairs}`);
      samples.push(await measurePair(rig, control, say));
    }
    await measurePeer(rig, 1, '/bin/true', [...control, '-O', 'exit']);
    return toMetrics(samples, hosts.kind);
  } finally {
    connection.close();
    await engine.end();
    await engines.remove();
    await rm(dir, { recursive: true, force: true });
  }
}

export const exec: Bench = {
  name: 'exec',
  title: 'one step, one probe, one connection, against the OpenSSH client with a kept connection',
  findMissing: () => {
    const program = findMissingProgram([['ssh', '-V']]);
    return program === null ? null : `${program} is not there (OpenSSH client)`;
  },
  run: async (options) => {
    const hosts = await startBenchHosts('bench-exec', 1);
    try {
      const database = await startBenchDatabase();
      try {
        const metrics = await measureAll(hosts, database, options);
        return [...metrics, await measureSurvival(hosts, database, options.say)];
      } finally {
        await database.stop();
      }
    } finally {
      await hosts.stop();
    }
  },
};
