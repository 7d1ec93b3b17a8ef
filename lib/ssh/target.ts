import type { AddressPolicy } from './address-policy';
import type { HostPublicKey } from './host-key';

export type HostAuth =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'key'; readonly privateKey: string; readonly passphrase?: string }
  | {
      readonly kind: 'agent';
      readonly socket: string;
      /** The one key to use, as in an authorized_keys line; absent offers every key of the agent. */
      readonly publicKey?: HostPublicKey;
    };

/** How commands become root: not at all, by `sudo -n`, or by `sudo -S` with a password on standard input. */
export type SudoMode = 'none' | 'nopasswd' | { readonly password: string };

/** Where a host is; enough to read its key without signing in. */
export interface HostEndpoint {
  /** Name for messages, e.g. the node's name. */
  readonly name: string;
  /** IP address or DNS name. */
  readonly address: string;
  readonly port: number;
}

export interface HostLogin extends HostEndpoint {
  readonly user: string;
  readonly auth: HostAuth;
  /** Approved keys; a host that shows none of them is refused before authentication. */
  readonly hostKey: { readonly pinned: readonly HostPublicKey[] };
}

export interface HostTarget extends HostLogin {
  readonly sudo: SudoMode;
  /** Hosts to go through, the first one reached directly; each key is pinned, the address policy holds at each hop. */
  readonly bastions?: readonly HostLogin[];
}

export interface ConnectOptions {
  readonly policy: AddressPolicy;
  /** TCP connect, per address, here or by a bastion; 10 s. */
  readonly connectTimeoutMs?: number;
  /** Handshake and authentication; 20 s. */
  readonly readyTimeoutMs?: number;
  /** A ping each interval (5 s); the link counts as lost after this many intervals (2) without a byte. */
  readonly keepalive?: { readonly intervalMs: number; readonly count: number };
  /** Name resolution; a seam for tests of rebinding. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}
