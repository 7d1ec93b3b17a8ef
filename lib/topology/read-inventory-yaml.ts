import { toSafeLine } from '@/lib/core/text';
import { AnsibleHosts } from './ansible-hosts';
import type { HostRow, Line } from './host-draft';
import { toRow } from './host-draft';
import { isMap, toMembers } from './loose-members';
import { parseInventoryYaml } from './parse-inventory-yaml';
import { readKubeKey } from './read-kubekey';

/** Rows of a pasted inventory, and the names of the passwords and keys that were left out of them. */
export interface InventoryRows {
  readonly rows: HostRow[];
  readonly leftOut: Iterable<string>;
}

/** True for YAML with groups of hosts as Ansible has them, or with a `kind` as KubeKey has it. */
export function isInventoryYaml(lines: readonly Line[]): boolean {
  return (
    /^(\s*\{|(%YAML\b|---|["']?[A-Za-z_][\w.-]*["']?:)(\s|$|["'{]))/.test(lines[0]?.text ?? '') &&
    // JSON may have no blank after a colon.
    lines.some(({ text }) => /(^|[\s{,"'])(hosts|children|kind)["']?:(\s|$|[[{"'])/.test(text))
  );
}

/**
 * The hosts of an inventory in YAML: Ansible's groups with `hosts`, `vars` and `children`
 * (Ansible docs, plugin ansible.builtin.yaml), or a KubeKey cluster. Throws an `AppError` for text that is no YAML.
 */
export function readInventoryYaml(text: string): InventoryRows {
  const isKubeKey = /^["']?kind["']?\s*:/m.test(text);
  // A file for KubeKey often goes on with the settings of KubeSphere; Ansible reads one document.
  const { value, findLine } = parseInventoryYaml(text, isKubeKey);
  const toLine = (shown: string, ...path: PropertyKey[]): Line => ({
    line: findLine(path) ?? 1,
    text: toSafeLine(shown, 80),
  });
  if (isKubeKey) return readKubeKey(value, toLine);
  const inventory = new AnsibleHosts();
  const errors: HostRow[] = [];
  readGroups([], toMembers(value));
  return { rows: [...errors, ...inventory.toRows()], leftOut: inventory.leftOut };

  // As deep as the text is nested, which `parseInventoryYaml` bounds.
  function readGroups(path: readonly string[], groups: readonly (readonly [string, unknown])[]): void {
    for (const [group, body] of groups) {
      const here = [...path, group];
      if (body !== '' && !isMap(body)) {
        errors.push(toRow(toLine(group, ...here), () => 'a group has hosts, vars or children below it'));
      }
      for (const [key, member] of toMembers(body)) readMember(group, [...here, key], key, member);
    }
  }

  function readMember(group: string, path: readonly string[], key: string, member: unknown): void {
    if (key === 'vars') inventory.addVariables(group, new Map(toMembers(member)));
    else if (key === 'hosts') {
      // One host may stand there without a colon.
      const hosts = typeof member === 'string' && member !== '' ? [[member, ''] as const] : toMembers(member);
      for (const [name, variables] of hosts) {
        const line = toLine(name, ...path, name);
        inventory.addHost(name, group === 'all' ? '' : group, line, new Map(toMembers(variables)));
      }
      if (Array.isArray(member)) {
        errors.push(
          toRow(toLine(group, ...path), () => 'hosts are written as name and colon, not as a list'),
        );
      }
    } else if (key === 'children') {
      for (const [child] of toMembers(member)) inventory.addChild(group, child);
      readGroups(path, toMembers(member));
    } else {
      const known = 'known are hosts, vars and children';
      errors.push(
        toRow(toLine(`${group}: ${key}`, ...path), () => `a group has no “${toSafeLine(key, 40)}”; ${known}`),
      );
    }
  }
}
