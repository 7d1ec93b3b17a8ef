import { readFileSync } from 'node:fs';
import { readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const ProcessIdentity = z.object({ pid: z.number(), startTicks: z.string() });

/** How a host was made to fail: power cut, every process frozen, or its cable pulled. */
export const HostFailure = z.enum(['power-off', 'freeze', 'unplug']);
export type HostFailure = z.infer<typeof HostFailure>;

export const LabRole = z.enum(['server', 'agent', 'lb']);
export type LabRole = z.infer<typeof LabRole>;

/** One host of a lab, as the state file keeps it. `machine` names its cgroup and, with `vb-`, its cable's outer end. */
export const HostState = z.object({
  name: z.string(),
  role: LabRole,
  address: z.string(),
  machine: z.string(),
  dir: z.string(),
  hostKeyFingerprint: z.string(),
  supervisor: ProcessIdentity.nullable(),
  failure: HostFailure.nullable(),
});
export type HostState = z.infer<typeof HostState>;

/**
 * Everything that one lab owns on this machine, kept in `state.json` of its folder from before the first thing is
 * made until after the last is gone, so that another process can list, fail or remove it. A lab whose `owner` has
 * died, or whose machine has rebooted since, is a leftover. `owner: null` means that it stays until `down`.
 */
export const LabState = z.object({
  name: z.string(),
  dir: z.string(),
  machineBootId: z.string(),
  owner: ProcessIdentity.nullable(),
  subnet: z.number(),
  bridge: z.string(),
  gateway: z.string(),
  rootFs: z.string(),
  privateKeyPath: z.string(),
  password: z.string(),
  hosts: z.array(HostState),
  artifacts: z.object({ url: z.string(), process: ProcessIdentity }).nullable(),
});
export type LabState = z.infer<typeof LabState>;

export function readMachineBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function labsFolder(dir: string): string {
  return join(dir, 'labs');
}

/** Replaces the state file in one step; a reader sees the old or the new one. */
export async function saveState(state: LabState): Promise<void> {
  const path = join(state.dir, 'state.json');
  await writeFile(`${path}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export async function loadState(labDir: string): Promise<LabState | null> {
  const text = await readFile(join(labDir, 'state.json'), 'utf8').catch(() => null);
  return text === null ? null : LabState.parse(JSON.parse(text));
}

/** All labs in the cache folder, and the folders there that never got as far as a state file (older than 30 s). */
export async function listStates(dir: string): Promise<{ states: LabState[]; broken: string[] }> {
  const states: LabState[] = [];
  const broken: string[] = [];
  for (const entry of await readdir(labsFolder(dir)).catch(() => [])) {
    const labDir = join(labsFolder(dir), entry);
    const state = await loadState(labDir).catch(() => null);
    if (state !== null) states.push(state);
    else if (Date.now() - (await stat(labDir)).mtimeMs > 30_000) broken.push(labDir);
  }
  return { states: states.sort((a, b) => a.name.localeCompare(b.name)), broken };
}
