import { findIpv4 } from '@/lib/core/cidr';
import { AppError } from '@/lib/core/errors';
import { MAX_HOSTS, ROLES, toHost, toRow, toWord } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';
import { expandHostPattern } from './host-pattern';
import { isSecretName } from './left-out-secrets';
import type { Role } from './topology';

export type Variables = ReadonlyMap<string, unknown>;

interface Group {
  readonly parents: Set<string>;
  readonly variables: Map<string, unknown>;
}

interface Host {
  readonly line: Line;
  readonly groups: Set<string>;
  readonly variables: Map<string, unknown>;
  readonly error: string | null;
}

/** Jump hosts in the options for ssh, as `ProxyJump=`, `ProxyJump ` or `-J` has them (ssh(1)). */
const JUMP = /(?:ProxyJump[= ]|-J\s*)([^\s"']+)/i;

/**
 * An Ansible inventory while it is read, in either form: hosts, groups, and what each group says of its hosts. A nearer
 * group counts before the groups around it, `all` comes last; of groups equally near, the last by name
 * (Ansible docs inventory_guide/intro_inventory, "How variables are merged").
 */
export class AnsibleHosts {
  /** Names of variables that hold passwords or keys: their values are not taken over. */
  readonly leftOut = new Set<string>();
  private readonly hosts = new Map<string, Host>();
  private readonly groups = new Map<string, Group>();

  /** The hosts that a name or pattern means; throws an `AppError` beyond the hosts that a site can have. */
  addHost(pattern: string, group: string, line: Line, variables: Variables): void {
    const names = expandHostPattern(pattern, MAX_HOSTS);
    for (const name of typeof names === 'string' ? [pattern] : names) {
      const host = this.hosts.get(name) ?? {
        line,
        groups: new Set<string>(),
        variables: new Map<string, unknown>(),
        error: typeof names === 'string' ? names : null,
      };
      if (group !== '') host.groups.add(group);
      for (const [key, value] of this.withoutSecrets(variables)) host.variables.set(key, value);
      this.hosts.set(name, host);
      if (this.hosts.size > MAX_HOSTS) {
        throw new AppError('invalid', `The inventory has more than ${MAX_HOSTS} hosts. Make several sites.`);
      }
    }
  }

  addVariables(group: string, variables: Variables): void {
    for (const [key, value] of this.withoutSecrets(variables)) this.toGroup(group).variables.set(key, value);
  }

  addChild(group: string, child: string): void {
    this.toGroup(child).parents.add(group);
  }

  /** One row for each host, in the order of the text. */
  toRows(): HostRow[] {
    return [...this.hosts].map(([name, host]) =>
      toRow(host.line, () => host.error ?? this.toNode(name, host)),
    );
  }

  private toNode(name: string, host: Host): HostDraft[] | string {
    const groups = this.listGroups(host);
    const find = (key: string): unknown =>
      [host.variables, ...[...groups, 'all'].map((group) => this.groups.get(group)?.variables)]
        .find((values) => values?.has(key))
        ?.get(key);
    return toNode(name, groups, find);
  }

  /** Groups of a host, the nearest first; a group that is its own child ends there. */
  private listGroups({ groups }: Host): string[] {
    const found = new Set<string>();
    for (let level = [...groups]; level.length > 0;) {
      const fresh = [...new Set(level)]
        .filter((group) => !found.has(group))
        .sort()
        .reverse();
      for (const group of fresh) found.add(group);
      level = fresh.flatMap((group) => [...(this.groups.get(group)?.parents ?? [])]);
    }
    return [...found];
  }

  private toGroup(name: string): Group {
    const group = this.groups.get(name) ?? {
      parents: new Set<string>(),
      variables: new Map<string, unknown>(),
    };
    this.groups.set(name, group);
    return group;
  }

  private withoutSecrets(variables: Variables): [string, unknown][] {
    for (const key of variables.keys()) if (isSecretName(key)) this.leftOut.add(key);
    return [...variables].filter(([key]) => !isSecretName(key));
  }
}

function toNode(
  name: string,
  groups: readonly string[],
  find: (key: string) => unknown,
): HostDraft[] | string {
  const text = (...keys: string[]) => {
    const value = keys.map(find).find((each) => each !== undefined);
    return typeof value === 'string' ? value : '';
  };
  const asked = text('ansible_host', 'ansible_ssh_host');
  const reached = asked || name;
  const address = [text('internal_ip', 'ip'), reached].find((each) => findIpv4(each) !== null);
  if (address === undefined) return 'no IPv4 address: give the host ansible_host or ip';
  const options = `${text('ansible_ssh_common_args')} ${text('ansible_ssh_extra_args')}`;
  if (/ProxyCommand/i.test(options))
    return 'ProxyCommand is not read; write the jump host as ProxyJump or -J';
  const roles = groups.map(findRole);
  const fields = {
    internalIp: address,
    externalIp: text('external_ip'),
    // An inventory may name hosts in full; a node has the first part as its name.
    name: findIpv4(name) === null ? (name.split('.')[0] ?? '') : '',
    role: roles.find((role) => role === 'server') ?? roles.find(Boolean) ?? '',
    sshAddress: reached === address || asked === '' ? '' : reached,
    user: text('ansible_user', 'ansible_ssh_user'),
    port: text('ansible_port', 'ansible_ssh_port'),
    jump: JUMP.exec(options)?.[1] ?? '',
    arch: text('arch'),
  };
  return toHost(new Map(Object.entries(fields).filter(([, value]) => value !== '')), {
    labels: find('node_labels'),
    taints: find('node_taints'),
  });
}

/** `rke2_servers`, `kube_control_plane`, `workers`: what a group's name says of its hosts. */
export function findRole(group: string): Role | undefined {
  const word = toWord(group)
    .replace(/^(rke2|k8s|kube)/, '')
    .replace(/s$/, '');
  return word === 'node' ? 'agent' : ROLES[word];
}
