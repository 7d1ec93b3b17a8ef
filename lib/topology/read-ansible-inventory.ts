import { findIpv4 } from '@/lib/core/cidr';
import { ROLES, toHost, toRow, toWord } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';
import type { Role } from './topology';

const SECTION = /^\s*\[([^\]:]+)(?::(vars|children))?\]\s*$/;
/** A variable of a host or group; values with blanks stand in quotes. */
const VARIABLE = /([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|'[^']*'|\S*)/g;

interface Entry {
  readonly line: Line;
  readonly name: string;
  readonly groups: string[];
  readonly variables: Map<string, string>;
}

/** True for text with a group in brackets, or with a host that has `ansible_host`, and for one in YAML. */
export function isAnsibleInventory(lines: readonly Line[]): boolean {
  return isYaml(lines) || lines.some(({ text }) => SECTION.test(text) || /\sansible_host=/.test(text));
}

/**
 * The hosts of an Ansible inventory in INI form: address (`ip`, else `ansible_host`, else the name), user, port and
 * jump host of each, groups as roles, `[group:vars]` and `[all:vars]` for what a host leaves out. One row for each host.
 */
export function readAnsibleInventory(lines: readonly Line[]): HostRow[] {
  const [first] = lines;
  if (first && isYaml(lines)) {
    return [
      toRow(first, () => 'an inventory in YAML is not read; paste its INI form, or a table with a header'),
    ];
  }
  const { entries, groupVariables } = toEntries(lines);
  return [...entries.values()].map((entry) => {
    const find = (name: string) =>
      entry.variables.get(name) ??
      [...entry.groups, 'all']
        .map((group) => groupVariables.get(group)?.get(name))
        .find((value) => value !== undefined);
    return toRow(entry.line, () => toNode(entry, find));
  });
}

function toNode(entry: Entry, find: (name: string) => string | undefined): HostDraft[] | string {
  if (/\[.*\]/.test(entry.name)) return 'a pattern for several hosts is not read; write them out';
  const reached = find('ansible_host') ?? entry.name;
  const address = [find('ip'), reached].find((text) => findIpv4(text ?? '') !== null);
  if (address === undefined) return 'no IPv4 address: give the host ansible_host or ip';
  const fields = {
    internalIp: address,
    // An inventory may name hosts in full; a node has the first part as its name.
    name: findIpv4(entry.name) === null ? (entry.name.split('.')[0] ?? '') : '',
    role:
      entry.groups.map(findRole).find((role) => role === 'server') ??
      entry.groups.map(findRole).find(Boolean) ??
      '',
    sshAddress: reached === address || find('ansible_host') === undefined ? '' : reached,
    user: find('ansible_user') ?? '',
    port: find('ansible_port') ?? '',
    jump: /(?:ProxyJump[= ]|-J\s*)([^\s"']+)/.exec(find('ansible_ssh_common_args') ?? '')?.[1] ?? '',
  };
  return toHost(new Map(Object.entries(fields).filter(([, value]) => value !== '')));
}

/** `rke2_servers`, `kube_control_plane`, `workers`: what a group's name says of its hosts. */
function findRole(group: string): Role | undefined {
  const word = toWord(group)
    .replace(/^(rke2|k8s|kube)/, '')
    .replace(/s$/, '');
  return word === 'node' ? 'agent' : ROLES[word];
}

function toEntries(lines: readonly Line[]) {
  const entries = new Map<string, Entry>();
  const groupVariables = new Map<string, Map<string, string>>();
  let group = '';
  let kind = '';
  for (const line of lines) {
    const section = SECTION.exec(line.text);
    if (section) {
      [, group = '', kind = ''] = section;
    } else if (kind === 'vars') {
      const values = groupVariables.get(group) ?? new Map<string, string>();
      const [, name = '', value = ''] = /^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line.text) ?? [];
      groupVariables.set(group, values.set(name, unquote(value)));
    } else if (kind === '') {
      const [, name = '', rest = ''] = /^\s*(\S+)(.*)$/.exec(line.text) ?? [];
      const entry = entries.get(name) ?? { line, name, groups: [], variables: new Map<string, string>() };
      if (group !== '') entry.groups.push(group);
      for (const [, key = '', value = ''] of rest.matchAll(VARIABLE))
        entry.variables.set(key, unquote(value));
      entries.set(name, entry);
    }
  }
  return { entries, groupVariables };
}

function isYaml(lines: readonly Line[]): boolean {
  return (
    /^(---|all:|[a-z_]+:)\s*$/.test(lines[0]?.text ?? '') &&
    lines.some(({ text }) => /^\s+hosts:\s*$/.test(text))
  );
}

function unquote(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2');
}
