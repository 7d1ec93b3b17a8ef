import { findIpv4 } from '@/lib/core/cidr';
import { AppError } from '@/lib/core/errors';
import { toSafeLine } from '@/lib/core/text';
import { MAX_HOSTS, ROLES, toHost, toRow, toWord } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';
import { HostPatterns } from './host-pattern';
import { isSecretName } from './left-out-secrets';
import type { Role } from './topology';

export type Variables = ReadonlyMap<string, unknown>;

interface Group {
  readonly parents: Set<string>;
  readonly children: Set<string>;
  readonly variables: Map<string, unknown>;
}

interface Host {
  readonly line: Line;
  readonly groups: Set<string>;
  readonly variables: Map<string, unknown>;
  readonly error: string | null;
}

/** Jump hosts in the options for ssh, as `ProxyJump=`, `ProxyJump ` or `-J` has them (ssh(1)). */
const JUMP = /(?:[Pp]roxy[Jj]ump(?:\s*=\s*|\s+)|(?:^|\s)-J\s*)["']?([^\s"']+)/;
/** A jump host in whatever writing: ssh takes keywords in any case, and flags in one word (`-CJ`). */
const hasJump = (options: string) => /proxyjump/i.test(options) || /(?:^|\s)-\w*J/.test(options);

/**
 * An Ansible inventory while it is read, in either form: hosts, groups, and what each group says of its hosts. The
 * variables of a host count first, then those of the deepest group below `all` (the longest way counts); of groups
 * equally deep the highest `ansible_group_priority` (1 where none stands), then the last by name; `all` comes last
 * (Ansible docs inventory_guide/intro_inventory, "How variables are merged"; ansible/ansible
 * lib/ansible/inventory/helpers.py `sort_groups` and group.py `_check_children_depth`).
 */
export class AnsibleHosts {
  /** Names of variables that hold passwords or keys: their values are not taken over. */
  readonly leftOut = new Set<string>();
  private readonly hosts = new Map<string, Host>();
  private readonly groups = new Map<string, Group>();
  private readonly patterns = new HostPatterns();

  /** The hosts that a name or pattern means; throws an `AppError` for far too much. */
  addHost(pattern: string, group: string, line: Line, variables: Variables): void {
    const names = this.patterns.expand(pattern, variables.size);
    const kept = this.withoutSecrets(variables);
    if (group !== '') this.toGroup(group);
    for (const name of typeof names === 'string' ? [pattern] : names) {
      const host = this.hosts.get(name) ?? {
        line,
        groups: new Set<string>(),
        variables: new Map<string, unknown>(),
        error: typeof names === 'string' ? names : null,
      };
      if (group !== '') host.groups.add(group);
      for (const [key, value] of kept) host.variables.set(key, value);
      this.hosts.set(name, host);
      if (this.hosts.size > MAX_HOSTS) {
        throw new AppError('invalid', `The inventory has more than ${MAX_HOSTS} hosts. Make several sites.`);
      }
    }
  }

  addVariables(group: string, variables: Variables): void {
    for (const [key, value] of this.withoutSecrets(variables)) this.toGroup(group).variables.set(key, value);
  }

  /** A group that is its own child stays as it is. */
  addChild(group: string, child: string): void {
    if (group === child) return;
    this.toGroup(child).parents.add(group);
    this.toGroup(group).children.add(child);
  }

  /** One row for each host, in the order of the text. Throws an `AppError` for groups that Ansible would refuse too. */
  toRows(): HostRow[] {
    const ranks = toRanks(this.groups);
    return [...this.hosts].map(([name, host]) =>
      toRow(host.line, () => host.error ?? this.toNode(name, host, ranks)),
    );
  }

  private toNode(name: string, host: Host, ranks: ReadonlyMap<string, number>): HostDraft[] | string {
    const groups = this.listGroups(host, ranks);
    const find = (key: string): unknown =>
      [host.variables, ...[...groups, 'all'].map((group) => this.groups.get(group)?.variables)]
        .find((values) => values?.has(key))
        ?.get(key);
    return toNode(name, groups, find);
  }

  /** Groups of a host and the groups around them, those that count most first. */
  private listGroups({ groups }: Host, ranks: ReadonlyMap<string, number>): string[] {
    const found = new Set(groups);
    // A set also gives what is added while it is walked.
    for (const group of found) for (const parent of this.groups.get(group)?.parents ?? []) found.add(parent);
    return [...found].sort((one, other) => (ranks.get(other) ?? 0) - (ranks.get(one) ?? 0));
  }

  private toGroup(name: string): Group {
    const group = this.groups.get(name) ?? {
      parents: new Set<string>(),
      children: new Set<string>(),
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

/** The place of each group in the order in which their variables are merged; the last one wins. */
function toRanks(groups: ReadonlyMap<string, Group>): ReadonlyMap<string, number> {
  const depths = toDepths(groups);
  const order = [...groups].map(([name, { variables }]) => ({
    name,
    depth: depths.get(name) ?? 0,
    priority: toPriority(name, variables.get('ansible_group_priority') ?? '1'),
  }));
  order.sort(
    (one, other) =>
      one.depth - other.depth || one.priority - other.priority || (one.name < other.name ? -1 : 1),
  );
  return new Map(order.map(({ name }, rank) => [name, rank]));
}

/** The longest way from `all` to each group; groups without parents stand right below it. Without recursion. */
function toDepths(groups: ReadonlyMap<string, Group>): ReadonlyMap<string, number> {
  const depths = new Map([...groups.keys()].map((name) => [name, name === 'all' ? 0 : 1]));
  const waiting = new Map([...groups].map(([name, { parents }]) => [name, parents.size]));
  const ready = [...groups.keys()].filter((name) => waiting.get(name) === 0);
  for (const name of ready) {
    for (const child of groups.get(name)?.children ?? []) {
      depths.set(child, Math.max(depths.get(child) ?? 0, (depths.get(name) ?? 0) + 1));
      const left = (waiting.get(child) ?? 0) - 1;
      waiting.set(child, left);
      if (left === 0) ready.push(child);
    }
  }
  const [looped] = [...waiting].find(([, left]) => left > 0) ?? [];
  if (looped === undefined) return depths;
  throw new AppError(
    'invalid',
    `The group “${toSafeLine(looped, 40)}” stands within itself, or below a group that does.`,
  );
}

function toPriority(group: string, value: unknown): number {
  if (typeof value === 'string' && /^[+-]?\d{1,9}$/.test(value)) return Number(value);
  throw new AppError(
    'invalid',
    `ansible_group_priority of the group “${toSafeLine(group, 40)}” is no whole number.`,
  );
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
  const jump = JUMP.exec(options)?.[1] ?? '';
  if (jump === '' && hasJump(options))
    return 'the jump host in the options for ssh is not read; write it as ProxyJump=host or -J host';
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
    jump: jump.toLowerCase() === 'none' ? '' : jump,
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
