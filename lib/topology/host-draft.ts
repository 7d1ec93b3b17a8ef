import { toSafeLine } from '@/lib/core/text';
import { toIssueWords } from './issue-words';
import { withoutSecrets } from './left-out-secrets';
import { TopologyNode } from './topology';
import type { Arch, Role } from './topology';

/** One host on the way, as `ssh.bastion` of a node has it. */
interface Bastion {
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly bastion?: Bastion;
}

/** A host as one row of a pasted list says it; `toDefaultTopology` deals out what is missing. */
export interface HostDraft {
  readonly name?: string;
  readonly role?: Role;
  readonly internalIp: string;
  readonly externalIp?: string;
  readonly ssh?: {
    readonly address?: string;
    readonly port?: number;
    readonly user?: string;
    readonly bastion?: Bastion;
  };
  readonly arch?: Arch;
  readonly os?: string;
  readonly zone?: string;
  readonly labels?: TopologyNode['labels'];
  readonly taints?: TopologyNode['taints'];
}

/** One row for the preview: what was written and what it means, or why it means nothing. */
export interface HostRow {
  /** Line in the pasted text, from 1. */
  readonly line: number;
  readonly text: string;
  readonly hosts: readonly HostDraft[];
  readonly error: string | null;
}

/** So many hosts a pasted list may have. */
export const MAX_HOSTS = 1_000;
/** So many bastions a node may stand behind (`ssh.bastion` of the schema). */
const MAX_HOPS = 3;
/** Roles by the words that people and inventories use for them. */
export const ROLES: Readonly<Record<string, Role>> = {
  server: 'server',
  controlplane: 'server',
  master: 'server',
  agent: 'agent',
  worker: 'agent',
  lb: 'lb',
  loadbalancer: 'lb',
};
const ARCHS: Readonly<Record<string, Arch>> = {
  amd64: 'amd64',
  x8664: 'amd64',
  arm64: 'arm64',
  aarch64: 'arm64',
};

/** One line of a pasted text, from 1. */
export interface Line {
  readonly line: number;
  readonly text: string;
}

/** The row of a line, shown without secrets: hosts, or words where it means none. */
export function toRow({ line, text }: Line, read: () => HostDraft[] | string): HostRow {
  const result = read();
  // Cut first: a line of a million characters may mean a thousand hosts, with a row for each.
  const shown = toSafeLine(withoutSecrets(text.trim().slice(0, 1_000)), 200);
  return typeof result === 'string'
    ? { line, text: shown, hosts: [], error: result }
    : { line, text: shown, hosts: result, error: null };
}

/**
 * A host from named texts: name, role, internalIp, externalIp, user, port, sshAddress, jump (as `ProxyJump` has it),
 * arch, os, zone. `more` has labels as a map and taints as `key=value:effect`. Words instead where the schema would refuse it.
 */
export function toHost(
  fields: ReadonlyMap<string, string>,
  more: { readonly labels?: unknown; readonly taints?: unknown } = {},
): HostDraft[] | string {
  const text = (field: string) => fields.get(field);
  const role = ROLES[toWord(text('role') ?? '')];
  const arch = ARCHS[toWord(text('arch') ?? '')];
  if (!fields.has('internalIp')) return 'no address';
  if (fields.has('role') && !role) return `${quote(text('role'))} is no role; known are server, agent, lb`;
  if (fields.has('arch') && !arch) return `${quote(text('arch'))} is no architecture; known are amd64, arm64`;
  if ((text('jump') ?? '').split(',').length > MAX_HOPS) return `more than ${MAX_HOPS} hosts to jump through`;
  const port = text('port');
  const ssh = without({
    address: text('sshAddress'),
    user: text('user'),
    port: port && toNumber(port),
    bastion: toBastion(text('jump') ?? ''),
  });
  const draft = without({
    name: text('name'),
    role,
    internalIp: text('internalIp'),
    externalIp: text('externalIp'),
    ssh: Object.keys(ssh).length > 0 ? ssh : undefined,
    arch,
    os: text('os'),
    zone: text('zone'),
    labels: isEmpty(more.labels) ? undefined : more.labels,
    taints: isEmpty(more.taints) ? undefined : toTaints(more.taints),
  });
  const checked = TopologyNode.safeParse(
    { id: 'n-row', name: 'row', role: 'agent', ...draft },
    { reportInput: true },
  );
  const [issue] = checked.error?.issues ?? [];
  if (issue?.path[0] === 'labels' || issue?.path[0] === 'taints')
    return `${issue.path.map(String).join(' ')}: ${toIssueWords(issue)}`;
  if (issue) return `${quote(findText(fields, issue.path))}: ${toIssueWords(issue)}`;
  return [draft as unknown as HostDraft]; // the schema has just said so
}

/** `user@first:22,second` as the document has it: each bastion holds the one before it on the way. */
function toBastion(jump: string): object | undefined {
  return jump
    .split(',')
    .filter((hop) => hop !== '')
    .reduce<object | undefined>((before, hop) => {
      const [, user, bracketed, bare = hop, port] =
        /^(?:([^@]*)@)?(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(hop) ?? [];
      const address = bracketed ?? bare;
      return without({ address, user, port: port && toNumber(port), bastion: before });
    }, undefined);
}

/** `key=value:effect` as kubectl has it; anything else as it stands, so that the schema can say no. */
function toTaints(taints: unknown): unknown {
  if (!Array.isArray(taints)) return taints;
  return taints.map((taint: unknown) => {
    const [, key, value, effect] = /^([^=:]*)(?:=([^:]*))?:(.*)$/.exec(String(taint)) ?? [];
    return key === undefined ? taint : without({ key, value, effect });
  });
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  );
}

function findText(fields: ReadonlyMap<string, string>, path: readonly PropertyKey[]): string | undefined {
  const last = String(path.at(-1));
  if (path.includes('bastion')) return fields.get('jump');
  const field = path[0] === 'ssh' && last === 'address' ? 'sshAddress' : last;
  return fields.get(field);
}

function quote(value: string | undefined): string {
  return `“${toSafeLine(value ?? '', 60)}”`;
}

function toNumber(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function without(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && value !== ''),
  );
}

/** Letters and digits alone, in lower case: what column names, roles and architectures are compared by. */
export function toWord(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
