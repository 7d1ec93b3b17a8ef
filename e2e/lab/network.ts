import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, runOrThrow } from './command';

/** The addresses of a lab: a /24 of its own, the bridge at .1, hosts from .11, a free address for a VIP at .100. */
export interface LabNetwork {
  subnet: number;
  bridge: string;
  gateway: string;
  vip: string;
}

export function toNetwork(subnet: number): LabNetwork {
  const address = (last: number) => `10.213.${subnet}.${last}`;
  return { subnet, bridge: `spl-${subnet}`, gateway: address(1), vip: address(100) };
}

export function hostAddress(network: LabNetwork, index: number): string {
  return `10.213.${network.subnet}.${11 + index}`;
}

/** Claims are of the whole machine, whatever folder a lab keeps its files in, and gone after a reboot. */
const claimsDir = '/run/siteplan-lab/subnets';

/**
 * Reserves the first subnet that no lab has claimed and no route or bridge of this machine uses, for the lab in the
 * folder `labDir`. The claim is a file made exclusively, so two labs that start at once cannot get the same one.
 */
export async function claimNetwork(labDir: string): Promise<LabNetwork> {
  await mkdir(claimsDir, { recursive: true });
  await releaseOrphanClaims();
  const inUse = await runOrThrow(['ip', '-4', 'route', 'show', 'table', 'all']);
  const links = await runOrThrow(['ip', '-o', 'link', 'show']);
  for (let subnet = 1; subnet < 255; subnet += 1) {
    const network = toNetwork(subnet);
    // A cable without its bridge: a host of a lab that died, still on its way out.
    const isCabled = links.includes(` vb-spl${subnet}-`);
    if (inUse.includes(`10.213.${subnet}.`) || links.includes(` ${network.bridge}:`) || isCabled) continue;
    const mine = await writeFile(join(claimsDir, String(subnet)), labDir, { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (mine) return network;
  }
  throw new Error('all 254 lab subnets are taken; `down` removes labs');
}

export async function releaseNetwork(subnet: number): Promise<void> {
  await rm(join(claimsDir, String(subnet)), { force: true });
}

/** Claims whose lab's folder is gone are given back. */
async function releaseOrphanClaims(): Promise<void> {
  for (const entry of await readdir(claimsDir)) {
    const labDir = await readFile(join(claimsDir, entry), 'utf8').catch(() => '');
    if (labDir !== '' && !existsSync(labDir)) await rm(join(claimsDir, entry), { force: true });
  }
}

export async function addBridge(network: LabNetwork): Promise<void> {
  await runOrThrow(['ip', 'link', 'add', network.bridge, 'type', 'bridge']);
  await runOrThrow(['ip', 'address', 'add', `${network.gateway}/24`, 'dev', network.bridge]);
  await runOrThrow(['ip', 'link', 'set', network.bridge, 'up']);
}

/** A bridge that is already gone is no error. */
export async function removeBridge(bridge: string): Promise<void> {
  await runCommand(['ip', 'link', 'delete', bridge]);
}

/** Pulls or plugs a host's cable at the bridge's end. */
export async function setCable(machine: string, plugged: boolean): Promise<void> {
  await runOrThrow(['ip', 'link', 'set', `vb-${machine}`, plugged ? 'up' : 'down']);
}

/**
 * Takes a host's cable away altogether. The kernel does so with the host's last process, except while a connection of
 * it still waits for an answer from a host that is gone too: for minutes, in which the host could not boot again.
 */
export async function removeCable(machine: string): Promise<void> {
  await runCommand(['ip', 'link', 'delete', `vb-${machine}`]);
}
