import { openLab, removeDeadLabs, startLab } from './lab';
import type { Lab } from './lab';
import { findLabDir } from './lab-dir';
import { labPatterns } from './patterns';
import { isRunning } from './process-identity';
import { HostFailure, listStates } from './state';
import type { HostState, LabState } from './state';

const usage = `npm run lab -- up ha|edge|both|one [LAB]   boots real Debian hosts and a mirror of the stand-in rke2
npm run lab -- list                        shows what runs
npm run lab -- fail NODE [power-off|freeze|unplug]
npm run lab -- heal NODE                   undoes fail; NODE is a host's name, or LAB/NAME
npm run lab -- down [LAB]                  removes one lab, or all`;

type Print = (line: string) => void;

/** The lab's command line; sets exit code 1 and says one sentence when it cannot do what it is asked. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await runLabCommand(argv, (line) => console.log(line));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** One command, its answer to `print`. Rejects with the sentence for the person at the terminal. */
export async function runLabCommand([command, ...args]: readonly string[], print: Print): Promise<void> {
  switch (command) {
    case 'up':
      return up(args[0] ?? '', args[1] ?? args[0] ?? '', print);
    case 'list':
      return list(print);
    case 'fail':
      return change(args[0] ?? '', (lab, name) => lab.failHost(name, parseFailure(args[1])), print);
    case 'heal':
      return change(args[0] ?? '', (lab, name) => lab.healHost(name), print);
    case 'down':
      return down(args[0] ?? null, print);
    default:
      throw new Error(usage);
  }
}

async function up(pattern: string, name: string, print: Print): Promise<void> {
  const hosts = labPatterns[pattern];
  if (hosts === undefined) throw new Error(usage);
  const startedAt = Date.now();
  const lab = await startLab({ name, hosts, dir: findLabDir(), keep: true, log: print });
  const url = await lab.startMirror().catch(async (error: unknown) => {
    await lab.stop();
    throw error;
  });
  print(
    `lab ${lab.name}: ${hosts.length} hosts answer ssh after ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`,
  );
  printTable(
    [
      ['NODE', 'ROLE', 'ADDRESS', 'USER', 'HOST KEY'],
      ...lab.hosts.map((host) => [host.name, host.role, host.address, host.user, host.hostKeyFingerprint]),
    ],
    print,
  );
  print(`
key            ${lab.hosts[0]?.privateKeyPath ?? ''} (root; ops with sudo)
password       ${lab.password} (opspw, sudo with the same password)
free VIP       ${lab.vip}
mirror URL     ${url} (stand-in rke2; not RKE2 itself)`);
}

function parseFailure(word = 'power-off'): HostFailure {
  const parsed = HostFailure.safeParse(word);
  if (!parsed.success)
    throw new Error(`a host can fail by ${HostFailure.options.join(', ')}, not by ${word}`);
  return parsed.data;
}

function statusOf(host: HostState): string {
  if (host.failure !== null) return `failed (${host.failure})`;
  return isRunning(host.supervisor) ? 'up' : 'off';
}

async function list(print: Print): Promise<void> {
  const { states } = await listStates(findLabDir());
  if (states.length === 0) return print('no lab is running');
  const rows = states.flatMap((state) =>
    state.hosts.map((host) => [
      state.name,
      host.name,
      host.role,
      host.address,
      statusOf(host),
      state.privateKeyPath,
    ]),
  );
  printTable([['LAB', 'NODE', 'ROLE', 'ADDRESS', 'STATUS', 'KEY'], ...rows], print);
  for (const state of states)
    if (state.artifacts !== null) print(`${state.name}: mirror URL ${state.artifacts.url}`);
}

async function change(
  target: string,
  act: (lab: Lab, name: string) => Promise<void>,
  print: Print,
): Promise<void> {
  const [labName, hostName] = target.includes('/') ? target.split('/', 2) : [null, target];
  const { states } = await listStates(findLabDir());
  const has = (state: LabState) =>
    (labName === null || state.name === labName) && state.hosts.some((host) => host.name === hostName);
  const found = states.filter(has);
  const [state] = found;
  if (state === undefined || hostName === undefined)
    throw new Error(`no running lab has a host ${target}; see list`);
  if (found.length > 1)
    throw new Error(`${target} is in ${found.map((lab) => lab.name).join(' and ')}: say LAB/${target}`);
  const lab = await openLab(state.name, findLabDir());
  if (lab === null) throw new Error(`lab ${state.name} has just gone`);
  await act(lab, hostName);
  await list(print);
}

async function down(name: string | null, print: Print): Promise<void> {
  const removed = await removeDeadLabs(findLabDir());
  const { states } = await listStates(findLabDir());
  const chosen = states.filter((state) => (name === null ? state.owner === null : state.name === name));
  if (name !== null && chosen.length === 0 && !removed.includes(name))
    throw new Error(`there is no lab ${name}`);
  for (const state of chosen) {
    const lab = await openLab(state.name, findLabDir());
    await lab?.stop();
    removed.push(state.name);
  }
  print(removed.length === 0 ? 'nothing was running' : `removed: ${removed.join(', ')}`);
}

function printTable(rows: readonly (readonly string[])[], print: Print): void {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  for (const row of rows) {
    print(
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
