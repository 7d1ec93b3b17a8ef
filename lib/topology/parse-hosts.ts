import { findIpv4, toIpv4Text } from '@/lib/core/cidr';
import { AppError } from '@/lib/core/errors';
import { toCount, toSafeLine } from '@/lib/core/text';
import { splitTable, toColumns } from './host-table';
import type { Column } from './host-table';
import { MAX_HOSTS, toHost, toRow } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';
import { hasSecret, isSecretName } from './left-out-secrets';
import { isAnsibleInventory, readAnsibleInventory } from './read-ansible-inventory';
import { isInventoryYaml, readInventoryYaml } from './read-inventory-yaml';
import type { InventoryRows } from './read-inventory-yaml';
import { isSshConfig, readSshConfig } from './read-ssh-config';

export interface HostList {
  readonly rows: readonly HostRow[];
  /** All hosts in order, or none at all while a row has an error: nothing is half imported. */
  readonly hosts: readonly HostDraft[];
  /** Names of variables that hold passwords or keys, such as `ansible_password`: their values are in none of the rows. */
  readonly leftOut: readonly string[];
}

const MAX_CHARACTERS = 1024 * 1024;

/**
 * Reads a pasted host list: one address per line, a range (`192.0.2.10-19`), `name address` or `address name`, or a
 * table with a header (comma, semicolon, tab or `|` between the columns), or the text of an ssh_config, of an Ansible
 * inventory (INI or YAML) or of a KubeKey cluster. Blank lines and `#` comments do not count. Never throws for a bad row,
 * but an `AppError` for text over 1 MiB, for YAML that is none, and for an inventory of more than 1,000 hosts, of patterns
 * that mean far more, or whose groups stand within themselves.
 */
export function parseHosts(text: string): HostList {
  if (text.length > MAX_CHARACTERS) {
    throw new AppError(
      'invalid',
      `The host list has ${(text.length / 1024 / 1024).toFixed(1)} MiB; at most 1 MiB is read. Look whether it is the right file.`,
    );
  }
  const lines = text.split(/\r\n|\r|\n/).map((line, index) => ({ line: index + 1, text: line }));
  const written = lines.filter(({ text: content }) => !/^\s*(#|$)/.test(content));
  const { rows, leftOut } = readRows(text, written);
  const [first] = written;
  const shown = rows.length === 0 && first ? [toRow(first, () => 'no host stands in this text')] : rows;
  const checked = withDuplicateErrors(shown);
  const hosts = checked.some((row) => row.error !== null) ? [] : checked.flatMap((row) => row.hosts);
  return { rows: checked, hosts, leftOut: [...leftOut].sort() };
}

function readRows(text: string, written: readonly Line[]): InventoryRows {
  if (isSshConfig(written)) return { rows: readSshConfig(written), leftOut: [] };
  if (isInventoryYaml(written)) return readInventoryYaml(text);
  if (isAnsibleInventory(written)) {
    const inventory = readAnsibleInventory(written);
    return { rows: inventory.toRows(), leftOut: inventory.leftOut };
  }
  const header = written[0] && toColumns(written[0].text);
  const rows = header
    ? readTable(written, header.columns, header.separator)
    : written.map((row) => toListRow(row, () => toHosts(row.text)));
  return { rows, leftOut: [] };
}

function readTable(
  lines: readonly Line[],
  columns: readonly (Column | string)[],
  separator: string,
): HostRow[] {
  const [head, ...body] = lines;
  const unknown = columns.filter((column) => typeof column === 'string');
  if (head && unknown.length > 0) {
    if (unknown.some(isSecretName) || hasSecret(head.text))
      return [
        toRow(head, () => 'passwords are not read; take the column out and store a credential instead'),
      ];
    const names = unknown.map((name) => `“${toSafeLine(name, 40)}”`).join(', ');
    return [
      toRow(
        head,
        () =>
          `unknown column ${names}; known are name, ip, external ip, role, user, port, ssh address, arch, os, zone`,
      ),
    ];
  }
  const twice = columns.find(
    (column, place) =>
      typeof column !== 'string' &&
      columns.slice(0, place).some((other) => typeof other !== 'string' && other.field === column.field),
  );
  if (head && typeof twice === 'object') {
    return [toRow(head, () => `two columns mean the same (${twice.field}); take one out`)];
  }
  const isRule = ({ text }: Line) => /^[|\s:-]+$/.test(text);
  return body
    .filter((row) => !isRule(row))
    .map((row) =>
      toListRow(row, () => {
        const cells = splitTable(row.text, separator);
        if (typeof cells === 'string') return cells;
        if (cells.length !== columns.length) {
          return `${toCount(cells.length, 'column')}, but the header has ${columns.length}`;
        }
        const fields = new Map<string, string>();
        columns.forEach((column, index) => {
          if (typeof column !== 'string' && cells[index]) fields.set(column.field, cells[index]);
        });
        return toHost(fields);
      }),
    );
}

/** The row of a line that may be anything: words that quote it would show its secrets too. */
function toListRow(row: Line, read: () => HostDraft[] | string): HostRow {
  const words = 'passwords are not read; take this one out and store a credential instead';
  return toRow(row, () => (hasSecret(row.text) ? words : read()));
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

function withDuplicateErrors(rows: readonly HostRow[]): HostRow[] {
  const lineOf = new Map<string, number>();
  let count = 0;
  return rows.map((row) => {
    let error = row.error;
    for (const { internalIp, externalIp, name } of row.hosts) {
      count += 1;
      if (count > MAX_HOSTS) error ??= `more than ${MAX_HOSTS} hosts`;
      for (const value of [internalIp, externalIp, name]) {
        if (value === undefined) continue;
        const earlier = lineOf.get(value);
        if (earlier === row.line) error ??= `${value} stands in this line already`;
        else if (earlier !== undefined) error ??= `${value} stands in line ${earlier} already`;
        else lineOf.set(value, row.line);
      }
    }
    return error === row.error ? row : { ...row, hosts: [], error };
  });
}
