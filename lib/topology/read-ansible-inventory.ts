import { AnsibleHosts } from './ansible-hosts';
import type { Line } from './host-draft';

const SECTION = /^\s*\[([^\]:]+)(?::(vars|children))?\]\s*$/;
/** A variable of a host or group; values with blanks stand in quotes. */
const VARIABLE = /\s([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|'[^']*'|\S*)/g;

/** True for text with a group in brackets, or with a host that has `ansible_host`. */
export function isAnsibleInventory(lines: readonly Line[]): boolean {
  return lines.some(({ text }) => SECTION.test(text) || /\sansible_host=/.test(text));
}

/**
 * The hosts of an Ansible inventory in INI form: address (`ip`, else `ansible_host`, else the name), user, port and
 * jump host of each, groups as roles, variables of the groups for what a host leaves out.
 */
export function readAnsibleInventory(lines: readonly Line[]): AnsibleHosts {
  const inventory = new AnsibleHosts();
  let group = '';
  let kind = '';
  for (const line of lines) {
    const section = SECTION.exec(line.text);
    if (section) {
      [, group = '', kind = ''] = section;
    } else if (kind === 'vars') {
      const [, name = '', value = ''] = /^\s*([A-Za-z0-9_]+)\s*=(.*)$/s.exec(line.text) ?? [];
      inventory.addVariables(group, new Map([[name, unquote(value.trim())]]));
    } else if (kind === 'children') {
      inventory.addChild(group, line.text.trim());
    } else {
      const [, name = '', rest = ''] = /^\s*(\S+)(.*)$/s.exec(line.text) ?? [];
      const variables = [...rest.matchAll(VARIABLE)].map(
        ([, key = '', value = '']) => [key, unquote(value)] as const,
      );
      inventory.addHost(name, group, line, new Map(variables));
    }
  }
  return inventory;
}

function unquote(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2');
}
