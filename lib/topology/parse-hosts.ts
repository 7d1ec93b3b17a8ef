import { findIpv4, toIpv4Text } from '@/lib/core/cidr';
import { AppError } from '@/lib/core/errors';
import { toSafeLine } from '@/lib/core/text';
import { splitTable, toColumns } from './host-table';
import type { Column } from './host-table';
import { TopologyNode } from './topology';
import type { Arch, Role } from './topology';

/** A host as one row of a pasted list says it; `toDefaultTopology` deals out what is missing. */
export interface HostDraft {
  readonly name?: string;
  readonly role?: Role;
  readonly internalIp: string;
  readonly externalIp?: string;
  readonly ssh?: { readonly address?: string; readonly port?: number; readonly user?: string };
  readonly arch?: Arch;
  readonly os?: string;
  readonly zone?: string;
}

/** One row for the preview: what was written and what it means, or why it means nothing. */
export interface HostRow {
  /** Line in the pasted text, from 1. */
  readonly line: number;
  readonly text: string;
  readonly hosts: readonly HostDraft[];
  readonly error: string | null;
}

export interface HostList {
  readonly rows: readonly HostRow[];
  /** All hosts in order, or none at all while a row has an error: nothing is half imported. */
  readonly hosts: readonly HostDraft[];
}

const MAX_HOSTS = 1_000;
const MAX_CHARACTERS = 1024 * 1024;
const ROLES: Readonly<Record<string, Role>> = {
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

/**
 * Reads a pasted host list: one address per line, a range (`192.0.2.10-19`), `name address` or `address name`, or a
 * table with a header (comma, semicolon, tab or `|` between the columns). Blank lines and `#` comments do not count.
 * Never throws for a bad row, but an `AppError` for text over 1 MiB.
 */
export function parseHosts(text: string): HostList {
  if (text.length > MAX_CHARACTERS) throw new AppError('invalid', 'A host list has at most 1 MiB.');
  const lines = text.split(/\r\n|\r|\n/).map((line, index) => ({ line: index + 1, text: line }));
  const written = lines.filter(({ text: content }) => !/^\s*(#|$)/.test(content));
  const header = written[0] && toColumns(written[0].text);
  const rows = header
    ? readTable(written, header.columns, header.separator)
    : written.map((row) => toRow(row, () => toHosts(row.text)));
  const checked = withDuplicateErrors(rows);
  const hosts = checked.some((row) => row.error !== null) ? [] : checked.flatMap((row) => row.hosts);
  return { rows: checked, hosts };
}

interface Line {
  readonly line: number;
  readonly text: string;
}

function toRow({ line, text }: Line, read: () => HostDraft[] | string): HostRow {
  const result = read();
  const shown = toSafeLine(text.trim(), 200);
  return typeof result === 'string'
    ? { line, text: shown, hosts: [], error: result }
    : { line, text: shown, hosts: result, error: null };
}

function readTable(
  lines: readonly Line[],
  columns: readonly (Column | string)[],
  separator: string,
): HostRow[] {
  const [head, ...body] = lines;
  const unknown = columns.filter((column) => typeof column === 'string');
  if (head && unknown.length > 0) {
    const names = unknown.map((name) => `“${toSafeLine(name, 40)}”`).join(', ');
    return [
      toRow(
        head,
        () =>
          `unknown column ${names}; known are name, ip, external ip, role, user, port, ssh address, arch, os, zone`,
      ),
    ];
  }
  const isRule = ({ text }: Line) => /^[|\s:-]+$/.test(text);
  return body
    .filter((row) => !isRule(row))
    .map((row) =>
      toRow(row, () => {
        const cells = splitTable(row.text, separator);
        if (cells === null) return 'a quote is opened and not closed';
        if (cells.length !== columns.length) {
          return `${cells.length} columns, but the header has ${columns.length}`;
        }
        const fields = new Map<string, string>();
        columns.forEach((column, index) => {
          if (typeof column !== 'string' && cells[index]) fields.set(column.field, cells[index]);
        });
        return toHost(fields);
      }),
    );
}

function toHosts(text: string): HostDraft[] | string {
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  const [first = '', second, ...rest] = words;
  if (rest.length > 0) return 'write an address, or a name and an address; more needs a table with a header';
  if (second === undefined) return toRange(first) ?? toHost(new Map([['internalIp', first]]));
  const isAddressFirst = findIpv4(first) !== null;
  return toHost(
    new Map([
      ['internalIp', isAddressFirst ? first : second],
      ['name', isAddressFirst ? second : first],
    ]),
  );
}

/** `192.0.2.10-19` or `192.0.2.10-192.0.2.19`; null when the text is no range. */
function toRange(text: string): HostDraft[] | string | null {
  const match = /^(\d+\.\d+\.\d+\.)(\d+)-(?:(\d+\.\d+\.\d+\.)?(\d+))$/.exec(text);
  if (!match) return null;
  const [, network = '', from = '', otherNetwork, to = ''] = match;
  const first = findIpv4(network + from);
  const last = findIpv4((otherNetwork ?? network) + to);
  if (first === null || last === null) return `“${toSafeLine(text, 60)}” is no range of IPv4 addresses`;
  if (last < first) return 'the range ends before it starts';
  if (last - first >= MAX_HOSTS) return `the range has more than ${MAX_HOSTS} addresses`;
  return Array.from({ length: last - first + 1 }, (_, index) => ({ internalIp: toIpv4Text(first + index) }));
}

function toHost(fields: ReadonlyMap<string, string>): HostDraft[] | string {
  const text = (field: string) => fields.get(field);
  const role = ROLES[toWord(text('role') ?? '')];
  const arch = ARCHS[toWord(text('arch') ?? '')];
  if (!fields.has('internalIp')) return 'no address';
  if (fields.has('role') && !role) return `${quote(text('role'))} is no role; known are server, agent, lb`;
  if (fields.has('arch') && !arch) return `${quote(text('arch'))} is no architecture; known are amd64, arm64`;
  const port = text('port');
  const ssh = without({ address: text('sshAddress'), user: text('user'), port: port && toNumber(port) });
  const draft = without({
    name: text('name'),
    role,
    internalIp: text('internalIp'),
    externalIp: text('externalIp'),
    ssh: Object.keys(ssh).length > 0 ? ssh : undefined,
    arch,
    os: text('os'),
    zone: text('zone'),
  });
  const checked = TopologyNode.safeParse({ id: 'n-row', name: 'row', role: 'agent', ...draft });
  const [issue] = checked.error?.issues ?? [];
  if (issue) return `${quote(findText(fields, issue.path))}: ${toSafeLine(issue.message)}`;
  return [draft as unknown as HostDraft]; // the schema has just said so
}

function findText(fields: ReadonlyMap<string, string>, path: readonly PropertyKey[]): string | undefined {
  const last = String(path.at(-1));
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

function withDuplicateErrors(rows: readonly HostRow[]): HostRow[] {
  const lineOf = new Map<string, number>();
  let count = 0;
  return rows.map((row) => {
    let error = row.error;
    for (const { internalIp, name } of row.hosts) {
      count += 1;
      if (count > MAX_HOSTS) error ??= `more than ${MAX_HOSTS} hosts`;
      for (const value of name === undefined ? [internalIp] : [internalIp, name]) {
        const earlier = lineOf.get(value);
        if (earlier !== undefined) error ??= `${value} stands in line ${earlier} already`;
        else lineOf.set(value, row.line);
      }
    }
    return error === row.error ? row : { ...row, hosts: [], error };
  });
}

function toWord(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
