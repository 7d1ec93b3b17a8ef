import { findIpv4 } from '@/lib/core/cidr';
import { toSafeLine } from '@/lib/core/text';
import { findRole } from './ansible-hosts';
import { toHost, toRow } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';
import { HostPatterns } from './host-pattern';
import { isSecretName } from './left-out-secrets';
import { isMap, toMembers } from './loose-members';

type ToLine = (shown: string, ...path: PropertyKey[]) => Line;

/**
 * The hosts of a KubeKey cluster: `spec.hosts` with name, address, internalAddress, port, user, arch and labels, and
 * `spec.roleGroups` as roles, whose entries may be `node[2:10]`
 * (kubesphere/kubekey apis/kubekey/v1alpha2/cluster_types.go). A server that is a worker too is a server.
 */
export function readKubeKey(document: unknown, toLine: ToLine): { rows: HostRow[]; leftOut: Set<string> } {
  const leftOut = new Set<string>();
  const { kind, apiVersion, spec } = isMap(document) ? document : {};
  const refuse = (key: string, words: string) => ({
    rows: [toRow(toLine(key, key), () => words)],
    leftOut,
  });
  const isKubeKey = apiVersion === undefined || /^kubekey\.kubesphere\.io\//.test(String(apiVersion));
  if (kind !== 'Cluster' || !isKubeKey) {
    return refuse('kind', 'of files with a kind, only KubeKey’s kind: Cluster is read');
  }
  const { hosts, roleGroups } = isMap(spec) ? spec : {};
  if (!Array.isArray(hosts) || hosts.length === 0) return refuse('spec', 'spec.hosts lists no host');
  const list: readonly unknown[] = hosts;
  const names = new Set(list.map((host) => readText(host, 'name')));
  const { groupsOf, errors } = readRoleGroups(toMembers(roleGroups), names, toLine);
  const rows = list.map((host, index) => {
    for (const [key] of toMembers(host)) if (isSecretName(key)) leftOut.add(key);
    const name = readText(host, 'name');
    return toRow(toLine(name || 'a host', 'spec', 'hosts', index), () =>
      toNode(host, name, [...(groupsOf.get(name) ?? [])]),
    );
  });
  return { rows: [...errors, ...rows], leftOut };
}

function readRoleGroups(
  roleGroups: readonly (readonly [string, unknown])[],
  names: ReadonlySet<string>,
  toLine: ToLine,
): { groupsOf: Map<string, Set<string>>; errors: HostRow[] } {
  const patterns = new HostPatterns();
  const groupsOf = new Map<string, Set<string>>();
  const errors: HostRow[] = [];
  for (const [group, entries] of roleGroups) {
    if (entries !== '' && !Array.isArray(entries)) {
      errors.push(toRow(toLine(group, 'spec', 'roleGroups', group), () => 'a role group is a list of names'));
    }
    const list: readonly unknown[] = Array.isArray(entries) ? entries : [];
    for (const [index, entry] of list.entries()) {
      const pattern = typeof entry === 'string' ? entry : '';
      const members = patterns.expand(pattern);
      const unknown = typeof members === 'string' ? undefined : members.find((name) => !names.has(name));
      if (typeof members === 'string' || unknown !== undefined) {
        const words =
          typeof members === 'string'
            ? members
            : `“${toSafeLine(unknown ?? '', 63)}” is not among spec.hosts`;
        const line = toLine(`${group}: ${pattern}`, 'spec', 'roleGroups', group, index);
        errors.push(toRow(line, () => words));
        continue;
      }
      for (const name of members) groupsOf.set(name, (groupsOf.get(name) ?? new Set()).add(group));
    }
  }
  return { groupsOf, errors };
}

function toNode(host: unknown, name: string, groups: readonly string[]): HostDraft[] | string {
  const address = readText(host, 'address');
  // Two addresses, IPv4 and IPv6, may stand there with a comma between them.
  const internal = readText(host, 'internalAddress').split(',');
  const internalIp = [...internal, address]
    .map((each) => each.trim())
    .find((each) => findIpv4(each) !== null);
  if (internalIp === undefined) return 'no IPv4 address: give the host address or internalAddress';
  const roles = groups.map(findRole);
  const role = roles.find((each) => each === 'server') ?? roles.find(Boolean);
  if (groups.length > 0 && role === undefined) {
    return `${groups.join(', ')}: no role of Siteplan, which runs etcd on the servers; add control-plane or worker, or take the host out`;
  }
  const fields = {
    internalIp,
    name,
    role: role ?? '',
    sshAddress: address === internalIp ? '' : address,
    user: readText(host, 'user'),
    port: readText(host, 'port'),
    arch: readText(host, 'arch'),
  };
  const labels = isMap(host) ? host.labels : undefined;
  return toHost(new Map(Object.entries(fields).filter(([, value]) => value !== '')), { labels });
}

function readText(value: unknown, key: string): string {
  const member = isMap(value) ? value[key] : undefined;
  return typeof member === 'string' ? member : '';
}
