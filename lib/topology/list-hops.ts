import type { CredentialId } from '@/lib/core/ids';
import type { SshAccess } from './topology';

/** One host on the way to a node. */
export interface Hop {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly credentialId?: CredentialId | undefined;
}

/** The bastions on the way to a node, the one that the worker reaches itself first; empty without bastions. */
export function listHops(ssh: SshAccess): Hop[] {
  const hops: Hop[] = [];
  let next: (Hop & { readonly bastion?: Hop | undefined }) | undefined = ssh.bastion;
  while (next) {
    const { bastion, ...hop }: Hop & { readonly bastion?: Hop | undefined } = next;
    hops.unshift(hop);
    next = bastion;
  }
  return hops;
}

/** Name of a hop in host keys: what was approved for one address and port says nothing about another. */
export function toHopKey({ address, port }: Pick<Hop, 'address' | 'port'>): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
