import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from '@/e2e/lab/command';
import { readRunEvents } from '@/lib/db/run-log';
import { createEngineRig, type EngineRig } from '@/lib/testing/engine-rig';
import { waitFor } from '@/lib/testing/wait-for';
import type { Bench, BenchMetric, BenchOptions } from './bench';
import { startBenchDatabase, type BenchDatabase } from './bench-database';
import { buildBenchEngine, type BenchEngine, type BenchEngines } from './bench-engine';
import { startBenchHosts, toStepPath, type BenchHost, type BenchHosts } from './bench-hosts';
import { findMissingProgram, runMeasured } from './measured-command';
import { toMedian, toPercentile, toRangeText, toRounded } from './statistics';

const FULL_SIZE_BYTES = 100_000_000;
const SOURCE = 'flood.log';
const CLOCK_LINES = 200;
const CLOCK_PAUSE_S = '0.02';
const OTHER_STEPS = 12;

interface Rig {
  readonly hosts: BenchHosts;
  readonly database: BenchDatabase;
  readonly engines: BenchEngines;
  readonly dir: string;
  readonly text: Buffer;
}

interface Pair {
  readonly peerMs: number;
  readonly peerCpuMs: number;
  readonly engineMs: number;
  readonly engineCpuMs: number;
  readonly databaseCpuMs: number;
  readonly warmGrowthMiB: number;
  readonly coldGrowthMiB: number;
  readonly lineDelayP95Ms: number;
  readonly slowdown: number;
  readonly otherStepMs: number;
}

let counter = 0;
/** A name that no step of this bench had before, so that each probe finds its act needed. */
function nextName(): string {
  counter += 1;
  return `done-${counter}`;
}

/** Lines of some 120 bytes, as logs have them; no two alike. */
function makeFlood(sizeBytes: number): Buffer {
  const lines: string[] = [];
  for (let bytes = 0, n = 0; bytes < sizeBytes; n += 1) {
    const word = createHash('sha256').update(String(n)).digest('hex').slice(0, 40);
    const line = `time="2026-11-22T12:00:00Z" level=info msg="pulled layer ${n} of image" digest=${word} bytes=${n * 977}\n`;
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join('').slice(0, sizeBytes - 1) + '\n');
}

function toHost({ hosts }: Rig, at: number): BenchHost {
  const host = hosts.hosts[at];
  if (!host) throw new Error(`there is no host ${at}`);
  return host;
}

function toFloodRig(rig: Rig): Promise<EngineRig> {
  const host = toHost(rig, 0);
  const params = { path: toStepPath(host, nextName()), source: toStepPath(host, SOURCE) };
  return createEngineRig(rig.database.worker, [host], [{ nodeId: host.nodeId, kind: 'bench.flood', params }]);
}

/** The delay of each line from the host's clock to the first moment at which another connection can read it. */
async function measureLineDelays(rig: Rig, engine: BenchEngine): Promise<number[]> {
  const host = toHost(rig, 0);
  const params = { path: toStepPath(host, nextName()), lines: CLOCK_LINES, pauseS: CLOCK_PAUSE_S };
  const run = await createEngineRig(
    rig.database.worker,
    [host],
    [{ nodeId: host.nodeId, kind: 'bench.clock', params }],
  );
  const delaysMs: number[] = [];
  let after = 0;
  let isOver = false;
  const look = async () => {
    const events = await readRunEvents(rig.database.worker, run.runId, after, 1_000);
    const seenMs = Date.now();
    for (const { seq, body } of events) {
      after = seq;
      if (body.type !== 'step.output') continue;
      for (const line of body.text.trim().split('\n')) delaysMs.push(seenMs - Number(line) / 1e6);
    }
    return isOver && events.length === 0;
  };
  const running = engine.run(run).finally(() => {
    isOver = true;
  });
  await Promise.all([
    running,
    waitFor(look, { what: 'the lines to be durable', timeoutMs: 120_000, everyMs: 3 }),
  ]);
  if (delaysMs.length !== CLOCK_LINES)
    throw new Error(`${delaysMs.length} of ${CLOCK_LINES} lines were stored`);
  return delaysMs;
}

/** Median time of a small step on the second host, milliseconds. */
async function measureOtherRun(rig: Rig, engine: BenchEngine): Promise<number> {
  const host = toHost(rig, 1);
  const steps = Array.from({ length: OTHER_STEPS }, () => ({
    nodeId: host.nodeId,
    params: { name: nextName() },
  }));
  const run = await createEngineRig(rig.database.worker, [host], steps);
  await engine.run(run);
  const { rows } = await rig.database.worker.pool.query<{ ms: string }>(
    'SELECT extract(epoch FROM finished_at - started_at) * 1000 AS ms FROM run_step WHERE run_id = $1',
    [run.runId],
  );
  return toMedian(rows.map(({ ms }) => Number(ms)));
}

/** Throws where the log of the flood is not the file, byte for byte. */
async function checkFlood({ database, text }: Rig, run: EngineRig): Promise<void> {
  const hash = createHash('sha256');
  for (let after = 0; ;) {
    const events = await readRunEvents(database.worker, run.runId, after, 100);
    for (const { body } of events) if (body.type === 'step.output') hash.update(body.text);
    const last = events.at(-1);
    if (!last) break;
    after = last.seq;
  }
  if (hash.digest('hex') !== createHash('sha256').update(text).digest('hex')) {
    throw new Error('the stored log is not what the host printed');
  }
}

async function measureSlowdown(
  rig: Rig,
  engine: BenchEngine,
): Promise<{ beforeMs: number; duringMs: number }> {
  const beforeMs = await measureOtherRun(rig, engine);
  const run = await toFloodRig(rig);
  let isFlooding = true;
  const flooding = engine.run(run).finally(() => {
    isFlooding = false;
  });
  await waitFor(async () => (await run.rows())[0]?.state === 'acting', {
    what: 'the flood to begin',
    everyMs: 5,
  });
  const during: number[] = [];
  while (isFlooding || during.length === 0) during.push(await measureOtherRun(rig, engine));
  await flooding;
  return { beforeMs, duringMs: toMedian(during.slice(0, Math.max(1, during.length - 1))) };
}

async function measurePeer(rig: Rig): Promise<{ wallMs: number; cpuMs: number }> {
  const host = toHost(rig, 0);
  const { port, user, address } = host.target;
  const ssh = [
    'ssh',
    ...host.sshOptions,
    '-p',
    String(port),
    `${user}@${address}`,
    'cat',
    join(host.scratch, SOURCE),
  ];
  const outputPath = join(rig.dir, 'peer.out');
  const measured = await runMeasured(ssh, { outputPath, timeoutMs: 120_000 });
  await runOrThrow(['cmp', outputPath, join(rig.dir, SOURCE)]);
  return measured;
}

async function measurePair(rig: Rig): Promise<Pair> {
  const peer = await measurePeer(rig);
  const engine = rig.engines.start(rig.database.workerUrl);
  try {
    const cold = await engine.readUsage();
    const delaysMs = await measureLineDelays(rig, engine);
    const warm = await engine.readUsage({ resetsPeak: true });
    const databaseBeforeMs = await rig.database.readCpuMs();
    const run = await toFloodRig(rig);
    const engineMs = await engine.run(run);
    const flooded = await engine.readUsage();
    const databaseCpuMs = (await rig.database.readCpuMs()) - databaseBeforeMs;
    await checkFlood(rig, run);
    const { beforeMs, duringMs } = await measureSlowdown(rig, engine);
    return {
      peerMs: peer.wallMs,
      peerCpuMs: peer.cpuMs,
      engineMs,
      engineCpuMs: flooded.cpuMs - warm.cpuMs,
      databaseCpuMs,
      warmGrowthMiB: (flooded.peakRssKiB - warm.rssKiB) / 1024,
      coldGrowthMiB: (flooded.peakRssKiB - cold.rssKiB) / 1024,
      lineDelayP95Ms: toPercentile(delaysMs, 95),
      slowdown: duringMs / beforeMs,
      otherStepMs: beforeMs,
    };
  } finally {
    await engine.end();
  }
}

function toMetrics(pairs: readonly Pair[], sizeBytes: number, kind: string): BenchMetric[] {
  const list = (read: (pair: Pair) => number) => pairs.map(read);
  const over = `over ${pairs.length} pairs, ${kind}`;
  const speed = (read: (pair: Pair) => number) =>
    toRangeText(
      list((pair) => sizeBytes / 1000 / read(pair)),
      ' MB/s',
    );
  const seconds = (read: (pair: Pair) => number) =>
    toRangeText(
      list((pair) => read(pair) / 1000),
      ' s',
    );
  const lower = (name: string, unit: string, goal: number, values: readonly number[], detail: string) => ({
    name,
    value: toRounded(toMedian(values)),
    unit,
    goal,
    better: 'lower' as const,
    detail: `${toRangeText(values)} ${over}${detail}`,
  });
  const ratios = list(({ peerMs, engineMs }) => peerMs / engineMs);
  return [
    {
      name: 'ratio_vs_ssh_redirect',
      value: toRounded(toMedian(ratios)),
      unit: '×',
      goal: 0.2,
      better: 'higher',
      detail:
        `${toRangeText(ratios)} ${over}; ssh > file ${speed(({ peerMs }) => peerMs)}, CPU ${seconds(({ peerCpuMs }) => peerCpuMs)}; ` +
        `ours with connection, probe, journal, redaction and commits ${speed(({ engineMs }) => engineMs)}, ` +
        `CPU engine ${seconds(({ engineCpuMs }) => engineCpuMs)} and PostgreSQL ${seconds(({ databaseCpuMs }) => databaseCpuMs)}; ` +
        'bounded by CPU: one engine thread and one backend share this machine with the host',
    },
    lower(
      'rss_growth_mib',
      'MiB',
      64,
      list(({ warmGrowthMiB }) => warmGrowthMiB),
      '; peak over a process that has done one small run',
    ),
    lower(
      'rss_growth_cold_mib',
      'MiB',
      64,
      list(({ coldGrowthMiB }) => coldGrowthMiB),
      '; peak over a process that has done nothing',
    ),
    lower(
      'line_to_durable_p95_ms',
      'ms',
      250,
      list(({ lineDelayP95Ms }) => lineDelayP95Ms),
      `; ${CLOCK_LINES} lines, one each ${CLOCK_PAUSE_S} s, until another connection reads them (polled each 3 ms); bounded by the journal's poll on the host`,
    ),
    lower(
      'other_run_slowdown',
      '×',
      2,
      list(({ slowdown }) => slowdown),
      `; median step of a second run in the same process, alone ${toRangeText(
        list(({ otherStepMs }) => otherStepMs),
        ' ms',
      )}; hosts share this machine's CPUs with the flood`,
    ),
  ];
}

/** The bench on hosts and with a flood of the caller's choice. */
export async function measureFlood(
  { pairs, say }: BenchOptions,
  { sizeBytes, startHosts }: { readonly sizeBytes: number; readonly startHosts: () => Promise<BenchHosts> },
): Promise<BenchMetric[]> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const dir = await mkdtemp(join(tmpdir(), 'siteplan-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const hosts = await startHosts();
    stops.push(hosts.stop);
    const database = await startBenchDatabase();
    stops.push(database.stop);
    const engines = await buildBenchEngine();
    stops.push(engines.remove);
    const rig: Rig = { hosts, database, engines, dir, text: makeFlood(sizeBytes) };
    await writeFile(join(dir, SOURCE), rig.text);
    const { sshOptions, target, scratch } = toHost(rig, 0);
    const to = `${target.user}@${target.address}:${scratch}/${SOURCE}`;
    await runOrThrow(['scp', '-q', ...sshOptions, '-P', String(target.port), join(dir, SOURCE), to]);
    const samples: Pair[] = [];
    for (let pair = 1; pair <= pairs; pair += 1) {
      const sample = await measurePair(rig);
      samples.push(sample);
      const { peerMs, engineMs, warmGrowthMiB, coldGrowthMiB, slowdown } = sample;
      const [ssh, ours, warm, cold] = [peerMs, engineMs, warmGrowthMiB, coldGrowthMiB].map(Math.round);
      say(
        `pair ${pair} of ${pairs}: ssh ${ssh} ms, siteplan ${ours} ms, grows ${warm} MiB (cold ${cold}), ` +
          `other steps take ${toRounded(slowdown)} times as long`,
      );
    }
    return toMetrics(samples, sizeBytes, hosts.kind);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

export const flood: Bench = {
  name: 'flood',
  title: '100 MB of log lines by one step, durable in the database, against ssh > file',
  findMissing: () => {
    const program = findMissingProgram([['ssh', '-V'], ['scp'], ['cmp', '--version']]);
    return program === null ? null : `${program} is not there (OpenSSH's client, diffutils)`;
  },
  run: (options) =>
    measureFlood(options, {
      sizeBytes: FULL_SIZE_BYTES,
      startHosts: () => startBenchHosts('bench-flood', 2),
    }),
};
