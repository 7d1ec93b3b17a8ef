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

/**
 * Reserves the first subnet that no lab has claimed and no route of this machine touches. The claim is a file made
 * exclusively, so two labs that start at once cannot get the same one.
 */
export async function claimNetwork(dir: string, labName: string): Promise<LabNetwork> {
  const claims = join(dir, 'subnets');
  await mkdir(claims, { recursive: true });
  const inUse = await runOrThrow(['ip', '-4', 'route', 'show', 'table', 'all']);
  const links = await runOrThrow(['ip', '-o', 'link', 'show']);
  for (let subnet = 1; subnet < 255; subnet += 1) {
    const network = toNetwork(subnet);
    if (inUse.includes(`10.213.${subnet}.`) || links.includes(` ${network.bridge}:`)) continue;
    const mine = await writeFile(join(claims, String(subnet)), labName, { flag: 'wx' }).then(
      () => true,
      () => false,
    );
    if (mine) return network;
  }
  throw new Error('all 254 lab subnets are taken; `down` removes labs');
}

export async function releaseNetwork(dir: string, subnet: number): Promise<void> {
  await rm(join(dir, 'subnets', String(subnet)), { force: true });
}

/** Claims whose lab no longer exists are given back. */
export async function releaseOrphanClaims(dir: string, labNames: readonly string[]): Promise<void> {
  const claims = join(dir, 'subnets');
  for (const entry of await readdir(claims).catch(() => [])) {
    const holder = await readFile(join(claims, entry), 'utf8').catch(() => '');
    if (!labNames.includes(holder)) await rm(join(claims, entry), { force: true });
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
