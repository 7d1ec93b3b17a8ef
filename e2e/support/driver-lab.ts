import { join } from 'node:path';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { buildArtifacts } from '@/e2e/lab/rke2/artifacts';
import type { RigHost } from '@/lib/testing/engine-rig';
import { startOwnDatabase } from '@/lib/testing/own-database';
import {
  driveEverything,
  type Driver,
  type PlanUnderTest,
  type Violations,
} from '@/lib/testing/plan-drivers';
import { buildEngineProcess, type EngineProcesses } from '@/lib/testing/spawn-engine';
import { DRIVER_SECRETS, planCase, toRigHost, toStands } from './driver-site';
import { listRunning, listWritten } from './host-snapshot';
import { PLAN_CASES, SENT_RELEASE, type PlanCase } from './plan-cases';
import { resetHost, saveHost } from './reset-host';

const DRIVERS: readonly Driver[] = ['clean', 'twice', 'failing', 'killed'];

export interface DriverLab {
  readonly lab: Lab;
  readonly engines: EngineProcesses;
  /** The case on the hosts as they are now, each driver on its own; they are left as the case leaves them. */
  readonly toPlan: (each: PlanCase) => PlanUnderTest;
  /** The same with a run and hosts of its own for every trial: a host is put back to where the case began. */
  readonly toDeepPlan: (each: PlanCase, isTried?: PlanUnderTest['isTried']) => PlanUnderTest;
  readonly stop: () => Promise<void>;
}

function onlyOf(hosts: readonly RigHost[]): RigHost {
  const [host] = hosts;
  if (!host || hosts.length > 1) throw new Error('one host per driver');
  return host;
}

/** One lab host per driver, a mirror of artifacts, a database and engines in processes of their own. */
export async function startDriverLab(name: string): Promise<DriverLab> {
  const [lab, database, engines] = await Promise.all([
    startLab({ name, hosts: DRIVERS.map((driver) => ({ name: `pd-${driver}` })) }),
    startOwnDatabase(),
    buildEngineProcess(),
  ]);
  const stop = async () => {
    await Promise.all([lab.stop(), database.stop(), engines.remove()]);
  };
  try {
    const mirrorUrl = await lab.startMirror();
    // A folder of a release has the layout of the artifact cache.
    const artifactsDir = join(lab.dir, 'cache');
    await buildArtifacts(artifactsDir, SENT_RELEASE);
    const hosts = new Map(
      await Promise.all(lab.hosts.map(async (host) => [host.name, await toRigHost(host)] as const)),
    );
    const hostOf = (driver: Driver): RigHost => {
      const host = hosts.get(`pd-${driver}`);
      if (!host) throw new Error(`no host for ${driver}`);
      return host;
    };
    const toPlan = (each: PlanCase): PlanUnderTest => ({
      db: database.worker,
      databaseUrl: database.workerUrl,
      trials: 'one-run',
      makeHosts: async (driver) => ({ hosts: [hostOf(driver)], stop: async () => undefined }),
      steps: (found) => planCase(each, onlyOf(found), mirrorUrl),
      snapshot: async (found) => {
        const host = onlyOf(found);
        const stands = toStands(lab, host);
        const lists = [listWritten, listRunning].map((list) => list(lab, host.target.name, stands));
        return (await Promise.all(lists)).flat();
      },
      secrets: DRIVER_SECRETS,
      artifactsDir,
      text: (found) => ({ nameOf: () => 'HOST', stands: toStands(lab, onlyOf(found)) }),
    });
    const toDeepPlan: DriverLab['toDeepPlan'] = (each, isTried) => {
      const saved = new Set<Driver>();
      const makeHosts = async (driver: Driver) => {
        const host = hostOf(driver);
        await (saved.has(driver) ? resetHost : saveHost)(lab, host.target.name, each.name);
        saved.add(driver);
        return { hosts: [host], stop: async () => undefined };
      };
      return { ...toPlan(each), trials: 'one-each', makeHosts, ...(isTried && { isTried }) };
    };
    return { lab, engines, toPlan, toDeepPlan, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The deep variant, in the shape of a soak (no command runs it yet: two rounds take a quarter of an hour): every case, a run of its own for each trial, about `count` steps of each plan
 * (spread over it; 20 is all of them). Each trial is a reboot and a run; what it finds names the step.
 */
export async function driveDeeply(options: {
  readonly count: number;
  readonly say: (line: string) => void;
}): Promise<Violations> {
  const drivers = await startDriverLab('deep-drivers');
  try {
    const violations: Violations = [];
    for (const each of PLAN_CASES) {
      const isTried = (index: number, total: number) =>
        index % Math.max(1, Math.floor(total / options.count)) === 0;
      const found = await driveEverything(drivers.toDeepPlan(each, isTried), drivers.engines);
      options.say(`${each.name}: ${found.golden.steps.length} steps, ${found.violations.length} violations`);
      violations.push(...found.violations.map((violation) => `${each.name}: ${violation}`));
    }
    return violations;
  } finally {
    await drivers.stop();
  }
}
