import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@/lib/testing/wait-for';
import { runCommand, runOrThrow } from './command';
import { findProcess, isRunning } from './process-identity';
import type { CommandOptions, CommandResult } from './command';
import { setFrozen } from './cgroups';
import {
  findBootId,
  findInit,
  mergedRoot,
  mountHost,
  powerOff,
  powerOn,
  unmountHost,
  waitForHost,
} from './host-boot';
import { makeKeyPair, writeHostFiles } from './host-files';
import {
  addBridge,
  claimNetwork,
  hostAddress,
  releaseNetwork,
  removeBridge,
  setCable,
  toNetwork,
} from './network';
import { findLabDir } from './lab-dir';
import { startMirror } from './mirror';
import { ensureRootFs, removeOldRootFs } from './root-fs';
import { labsFolder, listStates, loadState, readMachineBootId, saveState } from './state';
import type { HostFailure, HostState, LabRole, LabState } from './state';
import { checkLabSupport } from './support';

export interface LabHostSpec {
  /** Becomes the hostname: lower case letters, digits, hyphens. */
  name: string;
  /** What the host is meant for; every host is equally bare. Default `server`. */
  role?: LabRole;
}

export interface LabHost {
  name: string;
  role: LabRole;
  address: string;
  port: 22;
  user: 'root';
  /** Path of the private key (0600) that root and ops accept. */
  privateKeyPath: string;
  /** `SHA256:…` of the host's ed25519 key, as ssh prints it. */
  hostKeyFingerprint: string;
}

export interface Lab {
  name: string;
  /** The lab's own folder (0700): keys, state, what the hosts wrote. */
  dir: string;
  /** The address of this machine on the lab's network, and the hosts' default route. */
  gateway: string;
  /** An address in the lab's network that no host has. */
  vip: string;
  /** Password of user `opspw` (sudo with password). Users `root` and `ops` (sudo without) take the private key. */
  password: string;
  hosts: LabHost[];
  /** Runs a program inside a host, from outside and as root, without ssh. */
  exec(host: string, argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The host's root folder on this machine, for looking at files. */
  rootOf(host: string): string;
  /** Makes a host fail: `power-off` (default), `freeze` every process, or `unplug` its cable. */
  failHost(host: string, how?: HostFailure): Promise<void>;
  /** Undoes failHost and waits until the host answers. Its files are as it left them. */
  healHost(host: string): Promise<void>;
  /** Reboots from inside and waits until the new boot answers. */
  rebootHost(host: string): Promise<void>;
  /**
   * Builds the stand-in rke2's release files and serves them on the lab's network until the lab stops. Returns the
   * URL for `INSTALL_RKE2_ARTIFACT_URL`: files are at `<url>/v1.35.7%2Brke2r1/<file>`.
   */
  startMirror(): Promise<string>;
  /** Removes the hosts and everything they left on this machine. */
  stop(): Promise<void>;
}

export interface StartLabOptions {
  hosts: readonly LabHostSpec[];
  /** Unique among the labs of this machine. */
  name: string;
  /** Cache folder of root file systems and running labs; default findLabDir(). */
  dir?: string;
  /** How long the slowest host may take to answer ssh; default 90 s. */
  bootLimitMs?: number;
  /** Keep running when this process has ended, until `down`. Default false: a later start or `down` cleans up. */
  keep?: boolean;
  log?: (line: string) => void;
}

/**
 * Boots real Debian hosts (systemd, sshd, own network) on this machine and waits until all of them answer ssh.
 * Leftovers of labs whose process has died are removed first. Rejects with a reason when the lab cannot run here,
 * when the name is taken, or when a host does not come up (with its console's last lines); nothing stays behind then.
 */
export async function startLab(options: StartLabOptions): Promise<Lab> {
  const reason = checkLabSupport();
  if (reason !== null) throw new Error(reason);
  for (const { name } of [{ name: options.name }, ...options.hosts]) {
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
      throw new Error(`"${name}" is not a lab or host name`);
  }
  if (new Set(options.hosts.map((host) => host.name)).size < options.hosts.length) {
    throw new Error('two hosts of a lab have the same name');
  }
  const dir = options.dir ?? findLabDir();
  await removeDeadLabs(dir);
  const rootFs = await ensureRootFs(dir, options.log ?? (() => undefined));
  const state = await reserveLab(dir, rootFs, options);
  // Before this has worked, whatever bears the bridge's name is not ours to remove.
  await addBridge(toNetwork(state.subnet)).catch(async (error: unknown) => {
    await releaseLab(state);
    throw error;
  });
  try {
    await prepareHosts(state);
    // The state file must name a supervisor before the next one starts, or a crash here would lose hosts.
    for (const host of state.hosts) {
      host.supervisor = await powerOn(host, state.bridge);
      await saveState(state);
    }
    await Promise.all(state.hosts.map((host) => waitForHost(host, options.bootLimitMs ?? 90_000)));
  } catch (error) {
    await destroyLab(state);
    throw error;
  }
  return toLab(state);
}

/** The running lab of that name, made by this or any other process, or null. */
export async function openLab(name: string, dir: string = findLabDir()): Promise<Lab | null> {
  const state = await loadState(join(labsFolder(dir), name));
  return state === null ? null : toLab(state);
}

/** Removes what crashed labs left: labs whose process has died or that were running before this machine's last boot. */
export async function removeDeadLabs(dir: string = findLabDir()): Promise<string[]> {
  const { states, broken } = await listStates(dir);
  const isDead = (state: LabState) =>
    state.machineBootId !== readMachineBootId() || (state.owner !== null && !isRunning(state.owner));
  const dead = states.filter(isDead);
  for (const state of dead) await destroyLab(state);
  for (const path of broken) await rm(path, { recursive: true, force: true });
  return dead.map((state) => state.name);
}

async function reserveLab(dir: string, rootFs: string, options: StartLabOptions): Promise<LabState> {
  const labDir = join(labsFolder(dir), options.name);
  await mkdir(labsFolder(dir), { recursive: true });
  await mkdir(labDir, { mode: 0o700 }).catch(() => {
    throw new Error(`a lab named ${options.name} is already there; choose another name or take it down`);
  });
  const alive = (await listStates(dir)).states;
  await removeOldRootFs(dir, [rootFs, ...alive.map((lab) => lab.rootFs)]);
  const network = await claimNetwork(labDir);
  const hosts = options.hosts.map((spec, index): HostState => ({
    name: spec.name,
    role: spec.role ?? 'server',
    address: hostAddress(network, index),
    machine: `spl${network.subnet}-${index}`,
    dir: join(labDir, 'hosts', spec.name),
    hostKeyFingerprint: '',
    supervisor: null,
    failure: null,
  }));
  const state: LabState = {
    name: options.name,
    dir: labDir,
    machineBootId: readMachineBootId(),
    owner: options.keep === true ? null : findProcess(process.pid),
    subnet: network.subnet,
    bridge: network.bridge,
    gateway: network.gateway,
    rootFs,
    privateKeyPath: join(labDir, 'id_ed25519'),
    password: randomBytes(12).toString('base64url'),
    hosts,
    artifacts: null,
  };
  await saveState(state);
  return state;
}

async function prepareHosts(state: LabState): Promise<void> {
  const authorizedKey = await makeKeyPair(state.privateKeyPath, `lab-${state.name}`);
  const hashed = await runOrThrow(['openssl', 'passwd', '-6', '-stdin'], { input: `${state.password}\n` });
  const peers = state.hosts.map(({ name, address }) => ({ name, address }));
  for (const host of state.hosts) {
    await mountHost(host, state.rootFs);
    host.hostKeyFingerprint = await writeHostFiles(mergedRoot(host), {
      name: host.name,
      address: host.address,
      gateway: state.gateway,
      peers,
      authorizedKey,
      passwordHash: hashed.trim(),
    });
  }
  await saveState(state);
}

async function destroyLab(state: LabState): Promise<void> {
  // After a reboot of this machine only files are left, and the names may belong to another lab.
  if (state.machineBootId === readMachineBootId()) {
    const server = state.artifacts?.process ?? null;
    if (server !== null && isRunning(server)) process.kill(server.pid, 'SIGTERM');
    await Promise.all(state.hosts.map((host) => powerOff(host)));
    for (const host of state.hosts) await unmountHost(host);
    await removeBridge(state.bridge);
  }
  await releaseLab(state);
}

async function releaseLab(state: LabState): Promise<void> {
  await rm(state.dir, { recursive: true, force: true });
  await releaseNetwork(state.subnet);
}

function toLab(initial: LabState): Lab {
  // Another process may have failed or healed a host meanwhile, so each call looks at the state file first.
  const withHost = async <T>(
    name: string,
    act: (host: HostState, state: LabState) => Promise<T>,
  ): Promise<T> => {
    const state = (await loadState(initial.dir)) ?? initial;
    return act(findHost(state, name), state);
  };
  return {
    name: initial.name,
    dir: initial.dir,
    gateway: initial.gateway,
    vip: toNetwork(initial.subnet).vip,
    password: initial.password,
    hosts: initial.hosts.map((host) => toLabHost(initial, host)),
    exec: (name, argv, options) => withHost(name, (host) => execInHost(host, argv, options)),
    rootOf: (name) => mergedRoot(findHost(initial, name)),
    failHost: (name, how = 'power-off') => withHost(name, (host, state) => failHost(state, host, how)),
    healHost: (name) => withHost(name, (host, state) => healHost(state, host)),
    rebootHost: (name) => withHost(name, (host) => rebootHost(host)),
    startMirror: async () => {
      const state = (await loadState(initial.dir)) ?? initial;
      state.artifacts ??= await startMirror(state.dir, state.gateway);
      await saveState(state);
      return state.artifacts.url;
    },
    stop: async () => destroyLab((await loadState(initial.dir)) ?? initial),
  };
}

function findHost(state: LabState, name: string): HostState {
  const host = state.hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new Error(`lab ${state.name} has no host ${name}`);
  return host;
}

function toLabHost(state: LabState, host: HostState): LabHost {
  const { name, role, address, hostKeyFingerprint } = host;
  return {
    name,
    role,
    address,
    port: 22,
    user: 'root',
    privateKeyPath: state.privateKeyPath,
    hostKeyFingerprint,
  };
}

async function execInHost(
  host: HostState,
  argv: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  const init = await findInit(host);
  if (init === null) throw new Error(`lab host ${host.name} is not running`);
  const enter = [
    'nsenter',
    '--target',
    String(init),
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    '--cgroup',
    '--root',
    '--wd',
  ];
  const clean = [
    'env',
    '-i',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
  ];
  return runCommand([...enter, ...clean, ...argv], options);
}

async function failHost(state: LabState, host: HostState, how: HostFailure): Promise<void> {
  if (host.failure !== null) throw new Error(`${host.name} has already failed (${host.failure})`);
  if (how === 'power-off') await powerOff(host);
  else if (how === 'freeze') await setFrozen(host.machine, true);
  else await setCable(host.machine, false);
  host.failure = how;
  if (how === 'power-off') host.supervisor = null;
  await saveState(state);
}

async function healHost(state: LabState, host: HostState): Promise<void> {
  if (host.failure === 'freeze') await setFrozen(host.machine, false);
  if (host.failure === 'unplug') await setCable(host.machine, true);
  if (!isRunning(host.supervisor)) host.supervisor = await powerOn(host, state.bridge);
  host.failure = null;
  await saveState(state);
  await waitForHost(host, 90_000);
}

async function rebootHost(host: HostState): Promise<void> {
  const before = await findBootId(host);
  await execInHost(host, ['systemctl', 'reboot']);
  const isNew = async () => {
    const now = await findBootId(host);
    return now !== null && now !== before;
  };
  await waitFor(isNew, { what: `a new boot of ${host.name}`, timeoutMs: 120_000, everyMs: 100 });
  await waitForHost(host, 90_000);
}
