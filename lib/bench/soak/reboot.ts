import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import type { HostTarget } from '@/lib/ssh/target';
import { RIG_POLICY } from '@/lib/testing/engine-rig';
import { checkRun, type RunRecord } from './run-record';
import { collectEnded, runTrials } from './run-trials';
import type { Soak, SoakOptions } from './soak';
import { startSoakRig, type Lane } from './soak-rig';
import type { TrialStep } from './trial';

const HOSTS = ['s1', 's2'];
/** Of a run that nobody disturbs, about: reboots come at random in it. */
const SPAN_MS = 5_000;

const toSteps = (trial: number): TrialStep[] =>
  ['a', 'b', 'c'].map((name) => ({ name: `t${trial}-${name}`, lines: 12, pauseS: '0.1' }));

async function toTarget(lab: Lab, name: string): Promise<HostTarget> {
  const host = lab.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`the lab has no host ${name}`);
  const endpoint = { name, address: host.address, port: host.port };
  const key = await scanHostKey(endpoint, { policy: RIG_POLICY });
  const privateKey = await readFile(host.privateKeyPath, 'utf8');
  return {
    ...endpoint,
    user: 'root',
    auth: { kind: 'key', privateKey },
    sudo: 'none',
    hostKey: { pinned: [key] },
  };
}

/** Acts that still run on the host, as the host itself sees them. */
export async function findActs(lab: Lab, name: string): Promise<string[]> {
  const { stdout } = await lab.exec(name, ['sh', '-c', 'pgrep -fa [s]iteplan-host/acts || true']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => `process ${line}`);
}

/**
 * What is left behind although nothing should be. A host that was away when its run ended keeps the journals of that run
 * until the next one; whatever is older is too much.
 */
export function findLeftBehind(
  { runId, events, leftovers }: Pick<RunRecord, 'runId' | 'events' | 'leftovers'>,
  away: { readonly fromMs: number; readonly toMs: number },
): string[] {
  const lastEndMs = Math.max(
    ...events.flatMap(({ body, atMs }) => (body.type === 'step.finished' ? atMs : [])),
  );
  const wasAway = lastEndMs >= away.fromMs - 1_000 && lastEndMs <= away.toMs;
  return leftovers.filter((line) => !(wasAway && line.startsWith(`file acts/${runId}.`)));
}

async function tryReboot(
  { lab, lane, name, target }: { lab: Lab; lane: Lane; name: string; target: HostTarget },
  index: number,
): Promise<string[]> {
  const host = { target, root: '', rootHere: lab.rootOf(name) };
  const trial = await lane.createTrial({ steps: toSteps(index), host });
  await sleep(Math.random() * SPAN_MS);
  const fromMs = await lane.nowMs();
  await lab.rebootHost(name);
  const away = { fromMs, toMs: await lane.nowMs() };
  const record = await collectEnded(lane, trial, 300_000);
  const leftovers = [...findLeftBehind(record, away), ...(await findActs(lab, name))];
  await trial.remove();
  return checkRun({ ...record, leftovers }, { states: ['done'], acts: 'until-ended' });
}

async function runReboots({ count, say }: SoakOptions): Promise<string[]> {
  const [rig, lab] = await Promise.all([
    startSoakRig({ ttlMs: 10_000 }),
    startLab({ name: `soak-${process.pid}`, hosts: HOSTS.map((name) => ({ name })) }),
  ]);
  const free = [...HOSTS];
  const places = new Map<Lane, { name: string; target: HostTarget }>();
  const prepare = async (lane: Lane) => {
    const name = free.shift() ?? '';
    places.set(lane, { name, target: await toTarget(lab, name) });
    await lane.spawnWorker();
  };
  const work = async (lane: Lane, index: number) => {
    const place = places.get(lane);
    return place ? tryReboot({ lab, lane, ...place }, index) : ['no host'];
  };
  try {
    return await runTrials({ rig, count, lanes: HOSTS.length, say, prepare, work });
  } finally {
    await Promise.allSettled([rig.stop(), lab.stop()]);
  }
}

/** Whole hosts that reboot in the middle of a run; the probe decides what is left to do. */
export const REBOOT: Soak = {
  name: 'reboot',
  title: 'hosts that reboot in the middle of a step; needs root and the lab (I8)',
  count: 50,
  run: (options) => {
    const missing = checkLabSupport();
    return missing ? Promise.resolve([`cannot run here: ${missing}`]) : runReboots(options);
  },
};
