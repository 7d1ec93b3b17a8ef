import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runOrThrow } from '@/e2e/lab/command';
import { mountHost, unmountHost } from '@/e2e/lab/host-boot';
import type { Lab } from '@/e2e/lab/lab';
import { loadState } from '@/e2e/lab/state';

function foldersOf(lab: Lab, host: string, label: string) {
  const dir = dirname(lab.rootOf(host));
  return { upper: join(dir, 'upper'), work: join(dir, 'work'), saved: join(dir, `saved-${label}`) };
}

/** Power changes of a lab come one after the other: each rewrites the lab's whole state file. */
const turns = new Map<string, Promise<unknown>>();
function inTurn<T>(lab: Lab, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(lab.name) ?? Promise.resolve()).then(work, work);
  turns.set(lab.name, turn);
  return turn;
}

/** Waits until the boot has started all that it starts: what an earlier plan enabled runs again then. */
async function powerOn(lab: Lab, host: string): Promise<void> {
  await inTurn(lab, () => lab.healHost(host));
  await lab.exec(host, ['systemctl', 'is-system-running', '--wait'], { timeoutMs: 120_000 });
}

/** Keeps everything that a host has written so far as `label`. The host loses its power for it and boots again. */
export async function saveHost(lab: Lab, host: string, label: string): Promise<void> {
  const { upper, saved } = foldersOf(lab, host, label);
  await inTurn(lab, () => lab.failHost(host, 'power-off'));
  await rm(saved, { recursive: true, force: true });
  // Whiteouts are devices, and the overlay's own marks extended attributes: both must come along.
  await runOrThrow(['cp', '-a', '--reflink=auto', upper, saved]);
  await powerOn(lab, host);
}

/** Makes a host what it was when it was saved as `label`: its files are put back while it is off, then it boots. */
export async function resetHost(lab: Lab, host: string, label: string): Promise<void> {
  const { upper, work, saved } = foldersOf(lab, host, label);
  await inTurn(lab, () => lab.failHost(host, 'power-off'));
  const state = await loadState(lab.dir);
  const hostState = state?.hosts.find(({ name }) => name === host);
  if (!state || !hostState) throw new Error(`lab ${lab.name} has no host ${host}`);
  await unmountHost(hostState);
  for (const path of [upper, work]) await rm(path, { recursive: true, force: true });
  await runOrThrow(['cp', '-a', '--reflink=auto', saved, upper]);
  await mountHost(hostState, state.rootFs);
  await powerOn(lab, host);
}
