import type { DocumentPath } from '@/lib/topology/edit-topology';
import { toRoleCounts } from '@/lib/topology/create-topology';
import { toHopKey } from '@/lib/topology/list-hops';
import type { HostDraft } from '@/lib/topology/host-draft';
import { Pattern } from '@/lib/topology/topology';

/** A topology while it is being typed: the document's shape, values as far as they go. */
export type LooseDocument = Readonly<Record<string, unknown>>;

/** The value at a path, undefined where the path leads nowhere. */
export function readAt(document: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>((value, part) => {
    if (value === null || typeof value !== 'object') return undefined;
    return Object.getOwnPropertyDescriptor(value, part)?.value as unknown; // a plain data member or undefined
  }, document);
}

/**
 * The document with another value at a path; `undefined` takes the member out. Objects on the way are made where they
 * are missing. Nothing is checked: the schema and the rules do that with the whole.
 */
export function setAt(document: LooseDocument, path: DocumentPath, value: unknown): LooseDocument {
  const result = withValue(document, path, value);
  return isRecord(result) ? result : document;
}

function withValue(current: unknown, path: DocumentPath, value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (Array.isArray(current)) {
    const list: readonly unknown[] = current;
    return list.map((item, index) => (index === head ? withValue(item, rest, value) : item));
  }
  const members = isRecord(current) ? current : {};
  const next = withValue(members[head], rest, value);
  if (next === undefined)
    return Object.fromEntries(Object.entries(members).filter(([key]) => key !== String(head)));
  return { ...members, [head]: next };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A login as rows of the form show it, every member as text. */
export interface LooseLogin {
  readonly address: string;
  readonly user: string;
  readonly port: string;
  readonly credentialId: string;
}

/** One node of a loose document, as rows of the form show it. */
export interface LooseNode {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly internalIp: string;
  readonly externalIp: string;
  readonly zone: string;
  readonly arch: string;
  readonly ssh: LooseLogin;
  /** Bastions on the way, the one that is reached first in front; the path of each in the node. */
  readonly hops: readonly (LooseLogin & { readonly path: readonly string[] })[];
}

/** The nodes of a loose document, every member as text; what is missing is empty. */
export function toLooseNodes(document: LooseDocument): readonly LooseNode[] {
  const nodes = readAt(document, ['nodes']);
  if (!Array.isArray(nodes)) return [];
  return nodes.map((node: unknown) => {
    const text = (...path: string[]) => {
      const value = readAt(node, path);
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    return {
      id: text('id'),
      name: text('name'),
      role: text('role') || 'server',
      internalIp: text('internalIp'),
      externalIp: text('externalIp'),
      zone: text('zone'),
      arch: text('arch') || 'amd64',
      ssh: toLooseLogin(node, ['ssh']),
      hops: toLooseHops(node),
    };
  });
}

function toLooseLogin(node: unknown, path: readonly string[]): LooseLogin {
  const text = (key: string) => {
    const value = readAt(node, [...path, key]);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  return {
    address: text('address'),
    user: text('user') || 'root',
    port: text('port') || '22',
    credentialId: text('credentialId'),
  };
}

/** In the document a bastion holds the one before it; a form lists them in the order of the way. */
function toLooseHops(node: unknown): LooseNode['hops'] {
  const hops: LooseNode['hops'][number][] = [];
  for (let path = ['ssh', 'bastion']; isRecord(readAt(node, path)); path = [...path, 'bastion']) {
    hops.unshift({ ...toLooseLogin(node, path), path });
  }
  return hops;
}

/** A node with the names that the keys of its bastions have. */
export function toReached({ id, name, hops }: LooseNode) {
  return { id, name, hops: hops.map(({ address, port }) => toHopKey({ address, port: Number(port) })) };
}

/** So many bastions can stand on the way to a host. */
export const MAX_HOPS = 3;

/** The `ssh` of a node with one more bastion, in front of all others: Siteplan reaches this one itself. */
export function addHop(document: LooseDocument, index: number, hop: LooseDocument): LooseDocument {
  const ssh = ['nodes', index, 'ssh'];
  const hops = toLooseNodes(document)[index]?.hops ?? [];
  return setAt(document, [...ssh, ...hops.map(() => 'bastion'), 'bastion'], hop);
}

/** The document without the bastion at a path of a node; those in front of it stay on the way. */
export function removeHop(document: LooseDocument, index: number, path: readonly string[]): LooseDocument {
  const at = ['nodes', index, ...path];
  return setAt(document, at, readAt(document, [...at, 'bastion']));
}

/** A new node for the form: the next free name of its role, reached like the node before it. */
export function toNewNode(
  document: LooseDocument,
  id: string,
  values: {
    readonly name?: string | undefined;
    readonly role?: string | undefined;
    readonly [key: string]: unknown;
  } = {},
): LooseDocument {
  const nodes = toLooseNodes(document);
  const servers = nodes.filter((node) => node.role === 'server').length;
  const role = values.role ?? (servers < toServerCount(document) ? 'server' : 'agent');
  const prefix = role === 'server' ? 's' : role === 'lb' ? 'lb' : 'a';
  const taken = new Set(nodes.map((node) => node.name));
  let place = 1;
  while (taken.has(`${prefix}${place}`)) place += 1;
  const last = nodes.at(-1)?.ssh;
  const ssh = last && {
    user: last.user,
    port: toPort(last.port),
    ...(last.credentialId && { credentialId: last.credentialId }),
    ...withBastion(document, nodes.length - 1),
  };
  return {
    internalIp: '',
    ...values,
    id,
    role,
    name: values.name ?? `${prefix}${place}`,
    ssh: { ...ssh, ...(isRecord(values.ssh) ? values.ssh : {}) },
  };
}

/** So many servers the pattern wants. */
function toServerCount(document: LooseDocument): number {
  return readAt(document, ['pattern']) === 'ha' ? 3 : 1;
}

/**
 * The document with more hosts at its end. The first hosts of a site are dealt out over the roles as the pattern says
 * where the list itself states none; later ones become what is missing.
 */
export function addHosts(
  document: LooseDocument,
  hosts: readonly HostDraft[],
  newId: () => string,
): LooseDocument {
  const pattern = Pattern.safeParse(readAt(document, ['pattern'])).data ?? 'custom';
  const isFirst = toLooseNodes(document).length === 0 && hosts.every(({ role }) => role === undefined);
  const { server, agent } = toRoleCounts(pattern, hosts.length);
  const dealt = (place: number) => (place < server ? 'server' : place < server + agent ? 'agent' : 'lb');
  return hosts.reduce(
    (result, host, place) =>
      addNode(result, toNewNode(result, newId(), { ...host, ...(isFirst && { role: dealt(place) }) })),
    document,
  );
}

/** Hosts of one site are mostly reached the same way. */
function withBastion(document: LooseDocument, index: number): LooseDocument {
  const bastion = readAt(document, ['nodes', index, 'ssh', 'bastion']);
  return bastion === undefined ? {} : { bastion };
}

/** Hosts that nothing signs in to yet, while there is one that could lend its login. */
export function countLoginless(document: LooseDocument): number {
  const nodes = toLooseNodes(document);
  const open = nodes.filter((node) => node.ssh.credentialId === '').length;
  return open === nodes.length ? 0 : open;
}

/**
 * The document where hosts without a credential sign in as the first host that has one. Another user or port than the
 * default stays, and so do an address for SSH and bastions of a host's own.
 */
export function shareLogin(document: LooseDocument): LooseDocument {
  const nodes = toLooseNodes(document);
  const from = nodes.findIndex((node) => node.ssh.credentialId !== '');
  const model = nodes[from];
  if (!model) return document;
  const usual = toLooseLogin({}, []);
  return nodes.reduce((result, { ssh }, index) => {
    if (ssh.credentialId !== '') return result;
    const path = ['nodes', index, 'ssh'];
    const own = readAt(result, path);
    return setAt(result, path, {
      ...withBastion(document, from),
      ...(isRecord(own) ? own : {}),
      credentialId: model.ssh.credentialId,
      ...(ssh.user === usual.user && { user: model.ssh.user }),
      ...(ssh.port === usual.port && { port: toPort(model.ssh.port) }),
    });
  }, document);
}

/** The document with one more node at its end. */
export function addNode(document: LooseDocument, node: LooseDocument): LooseDocument {
  const nodes = readAt(document, ['nodes']);
  return { ...document, nodes: [...(Array.isArray(nodes) ? (nodes as unknown[]) : []), node] };
}

/** The document without the node at a place. */
export function removeNode(document: LooseDocument, index: number): LooseDocument {
  const nodes = readAt(document, ['nodes']);
  if (!Array.isArray(nodes)) return document;
  return { ...document, nodes: (nodes as unknown[]).filter((_, each) => each !== index) };
}

/** A port as the schema wants it where the text is a number; otherwise the text, so that the schema can say no. */
export function toPort(text: string): number | string {
  return /^\d{1,6}$/.test(text) ? Number(text) : text;
}
