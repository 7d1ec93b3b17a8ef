import { readFile } from 'node:fs/promises';
import { checkLabSupport } from '@/e2e/lab/support';
import { createEngineRig } from '@/lib/testing/engine-rig';
import { prepareAnsible, type AnsiblePeer, type AnsibleWay } from './ansible-peer';
import type { Bench, BenchMetric, BenchOptions } from './bench';
import { startBenchDatabase, type BenchDatabase } from './bench-database';
import { buildBenchEngine, type BenchEngines } from './bench-engine';
import { startBenchHosts, type BenchHosts } from './bench-hosts';
import { readLabCpuMs } from './cpu-time';
import { findMissingProgram, type MeasuredCommand } from './measured-command';
import { checkHost, resetHost, toWorkSteps } from './provision-work';
import { toMedian, toRangeText, toRounded } from './statistics';

const HOSTS = 8;

interface Rig {
  readonly hosts: BenchHosts;
  readonly database: BenchDatabase;
  readonly engines: BenchEngines;
  readonly ansible: AnsiblePeer;
}

interface Sample extends MeasuredCommand {
  /** User and system time of all hosts meanwhile. */
  readonly hostCpuMs: number;
}

interface EngineSample extends MeasuredCommand {
  readonly engineCpuMs: number;
  readonly databaseCpuMs: number;
}

interface Pair {
  readonly engine: EngineSample & Sample;
  readonly modules: Sample;
  readonly raw: Sample;
}

/** From the start of an engine process to the run's end: its start-up counts, as Ansible's does. */
async function measureEngine({ hosts, database, engines }: Rig): Promise<EngineSample> {
  const steps = hosts.hosts.flatMap(({ nodeId }) => toWorkSteps(nodeId));
  const rig = await createEngineRig(database.worker, hosts.hosts, steps);
  const databaseBeforeMs = await database.readCpuMs();
  const startedMs = performance.now();
  const engine = engines.start(database.workerUrl);
  try {
    await engine.run(rig);
    const wallMs = performance.now() - startedMs;
    const { cpuMs: engineCpuMs } = await engine.readUsage();
    const databaseCpuMs = (await database.readCpuMs()) - databaseBeforeMs;
    return { wallMs, cpuMs: engineCpuMs + databaseCpuMs, engineCpuMs, databaseCpuMs };
  } finally {
    await engine.end();
  }
}

/** Resets the hosts, lets one tool work, and checks that the hosts are as the work says. */
async function measure<T extends MeasuredCommand>(
  { hosts }: Rig,
  work: () => Promise<T>,
): Promise<T & Sample> {
  const { lab } = hosts;
  if (!lab) throw new Error('this bench needs lab hosts');
  await Promise.all(hosts.hosts.map(({ name }) => resetHost(lab, name)));
  const beforeMs = await readLabCpuMs(lab);
  const sample = await work();
  const hostCpuMs = (await readLabCpuMs(lab)) - beforeMs;
  await Promise.all(hosts.hosts.map(({ name }) => checkHost(lab, name)));
  return { ...sample, hostCpuMs };
}

async function measurePair(rig: Rig, say: BenchOptions['say']): Promise<Pair> {
  const toText = ({ wallMs, cpuMs, hostCpuMs }: Sample) =>
    `${toRounded(wallMs / 1000)} s wall, ${toRounded(cpuMs / 1000)} s CPU, hosts ${toRounded(hostCpuMs / 1000)} s`;
  const ansible = async (way: AnsibleWay) => {
    const sample = await measure(rig, () => rig.ansible.run(way));
    say(`  ${rig.ansible.version}, ${way}: ${toText(sample)}`);
    return sample;
  };
  const engine = await measure(rig, () => measureEngine(rig));
  say(`  siteplan: ${toText(engine)} (PostgreSQL ${toRounded(engine.databaseCpuMs / 1000)} s)`);
  return { engine, raw: await ansible('raw'), modules: await ansible('modules') };
}

function toMetrics(pairs: readonly Pair[], rig: Rig): BenchMetric[] {
  const seconds = (read: (pair: Pair) => number) =>
    toRangeText(
      pairs.map((pair) => read(pair) / 1000),
      ' s',
    );
  const ratio = (name: string, goal: number, read: (pair: Pair) => number, detail: string): BenchMetric => {
    const values = pairs.map(read);
    const text = `${toRangeText(values)} over ${pairs.length} pairs; ${detail}`;
    return { name, value: toRounded(toMedian(values)), unit: '×', goal, better: 'higher', detail: text };
  };
  const total = ({ cpuMs, hostCpuMs }: Sample) => cpuMs + hostCpuMs;
  const ours = seconds(({ engine }) => engine.wallMs);
  const peer = `${rig.ansible.version}, pipelining, ControlPersist, forks = ${HOSTS}, no facts`;
  return [
    ratio(
      'ratio_vs_ansible',
      10,
      ({ engine, modules }) => modules.wallMs / engine.wallMs,
      `wall: ours ${ours}, ${peer} ${seconds(({ modules }) => modules.wallMs)}; hosts and controller share this machine: ` +
        'bounded by the processes that each act starts on the hosts',
    ),
    ratio(
      'ratio_vs_ansible_raw',
      4,
      ({ engine, raw }) => raw.wallMs / engine.wallMs,
      `wall: ours ${ours}, raw module ${seconds(({ raw }) => raw.wallMs)} (no probe, no verify, no journal); ` +
        'bounded by the processes that each act starts on the hosts',
    ),
    ratio(
      'cpu_ratio_vs_ansible',
      10,
      ({ engine, modules }) => modules.cpuMs / engine.cpuMs,
      `controller CPU: ours ${seconds(({ engine }) => engine.cpuMs)} of which engine ${seconds(({ engine }) => engine.engineCpuMs)}, ` +
        `PostgreSQL ${seconds(({ engine }) => engine.databaseCpuMs)}; Ansible and its kept connections ${seconds(({ modules }) => modules.cpuMs)}`,
    ),
    ratio(
      'total_cpu_ratio_vs_ansible',
      10,
      ({ engine, modules }) => total(modules) / total(engine),
      `controller and hosts, which the wall follows where they share a machine: ours ${seconds(({ engine }) => total(engine))}, ` +
        `Ansible ${seconds(({ modules }) => total(modules))}, raw ${seconds(({ raw }) => total(raw))}`,
    ),
  ];
}

export const provision: Bench = {
  name: 'provision',
  title: '40 files, 20 commands and 4 units on 8 lab hosts, against ansible-core',
  pairs: 3,
  findMissing: () => {
    const lab = checkLabSupport();
    if (lab !== null) return lab;
    const program = findMissingProgram([
      ['ansible-playbook', '--version'],
      ['ssh', '-V'],
    ]);
    if (program === null) return null;
    return `${program} is not there (pip install ansible-core in a virtual environment on PATH, or Debian's ansible-core)`;
  },
  run: async ({ pairs, say }) => {
    const stops: (() => Promise<void>)[] = [];
    try {
      const hosts = await startBenchHosts('bench-provision', HOSTS);
      stops.push(hosts.stop);
      const database = await startBenchDatabase();
      stops.push(database.stop);
      const engines = await buildBenchEngine();
      stops.push(engines.remove);
      const known = await Promise.all(
        hosts.hosts.map(({ knownHostsPath }) => readFile(knownHostsPath, 'utf8')),
      );
      const ansible = await prepareAnsible(hosts.hosts, known.join(''));
      stops.push(ansible.stop);
      const rig = { hosts, database, engines, ansible };
      const samples: Pair[] = [];
      for (let pair = 1; pair <= pairs; pair += 1) {
        say(`pair ${pair} of ${pairs}`);
        samples.push(await measurePair(rig, say));
      }
      return toMetrics(samples, rig);
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  },
};
