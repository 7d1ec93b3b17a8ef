import { stringify } from 'yaml';
import { canonicalJson } from '@/lib/core/hash';
import { Topology, TopologyNode } from './topology';

const HEADER = '# Siteplan topology. Fields that are left out have their defaults.\n';
/** Always written, also where they equal the default: what a reader looks for first, and what later defaults may change. */
const ALWAYS = ['schemaVersion', 'pattern', 'rke2.version', 'nodes'];
type Plain = Readonly<Record<string, unknown>>;

/**
 * A topology as YAML for git: keys in the schema's order, labels sorted, defaults left out. Equal topologies give
 * equal text, and `parseTopology` gives the topology back. `withIds: false` leaves node ids out, for a file that
 * is a model for other sites; they are then matched by name.
 */
export function formatTopology(topology: Topology, options: { withIds?: boolean } = {}): string {
  const ordered = withSortedLabels(Topology.parse(topology));
  const defaults = Topology.parse({ pattern: ordered.pattern });
  const document = {
    ...withoutDefaults(ordered, defaults, ''),
    nodes: ordered.nodes.map((node) => toNodeDocument(node, options.withIds ?? true)),
  };
  return (
    HEADER +
    stringify(sortMembers(document), { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false })
  );

  function sortMembers(value: Plain): Plain {
    const order = Object.keys(ordered);
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
  }
}

function toNodeDocument(node: TopologyNode, withId: boolean): Plain {
  const { id, name, role, internalIp, ...rest } = node;
  const defaults = TopologyNode.parse({ id, name, role, internalIp });
  return {
    ...(withId && { id }),
    name,
    role,
    internalIp,
    ...withoutDefaults({ ...rest, labels: sortNames(node.labels) }, { ...defaults }, 'node'),
  };
}

/** Labels have no order of their own. */
function sortNames(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withSortedLabels(topology: Topology): Topology {
  const policies = topology.cilium.policies.map((policy) => ({
    ...policy,
    podLabels: sortNames(policy.podLabels),
  }));
  return { ...topology, cilium: { ...topology.cilium, policies } };
}

function withoutDefaults(value: Plain, defaults: Plain, path: string): Plain {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const memberPath = path ? `${path}.${key}` : key;
      if (ALWAYS.includes(memberPath)) return [[key, member]];
      const holdsAlways = ALWAYS.some((path) => path.startsWith(`${memberPath}.`));
      const usual = defaults[key];
      if (!holdsAlways && usual !== undefined && canonicalJson(member) === canonicalJson(usual)) return [];
      if (!isPlain(member) || !isPlain(usual)) return [[key, member]];
      return [[key, withoutDefaults(member, usual, memberPath)]];
    }),
  );
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
