import { agents } from '@/lib/topology/find-node';
import type { Hardware, Topology, TopologyNode } from '@/lib/topology/topology';
import { toHit } from './rule';
import type { Hit, Rule } from './rule';

const REQUIREMENTS = 'RKE2 docs install/requirements';
type Amount = 'cpus' | 'memoryGiB' | 'diskGiB' | 'linkMbit';
type Amounts = Readonly<Record<Amount, number>>;

const UNITS: Readonly<Record<Amount, string>> = {
  cpus: 'cores',
  memoryGiB: 'GiB of memory',
  diskGiB: 'GiB of disk',
  linkMbit: 'Mbit/s of network',
};
/** Below this RKE2 itself is not supported, on servers and agents alike. */
const MINIMUM: Pick<Amounts, 'cpus' | 'memoryGiB'> = { cpus: 2, memoryGiB: 4 };
/** The architecture's table of hardware for production. */
const SERVER: Amounts = { cpus: 4, memoryGiB: 8, diskGiB: 50, linkMbit: 1_000 };
const AGENT: Amounts = { cpus: 2, memoryGiB: 4, diskGiB: 20, linkMbit: 1_000 };
/** Servers of a cluster with more agents than this need twice the cores and memory (RKE2 docs, server sizing). */
const AGENTS_OF_SMALL_SERVERS = 450;

/** What the document says of machines, against the requirements table; preflight measures the real ones. */
export const HARDWARE_RULES: readonly Rule[] = [
  {
    id: 'hardware-below-minimum',
    severity: 'error',
    source: REQUIREMENTS,
    find: (topology) =>
      onClusterNodes(topology, (node) =>
        shortages(node.hardware, MINIMUM).map(
          ({ amount, has, wants }) =>
            [
              amount,
              `${node.name} has ${has} ${UNITS[amount]}; RKE2 needs ${wants} on every node and would be killed or starve.`,
            ] as const,
        ),
      ),
  },
  {
    id: 'hardware-below-recommended',
    severity: 'warning',
    source: `${REQUIREMENTS}; architecture, production hardware`,
    find: (topology) =>
      onClusterNodes(topology, (node) =>
        shortages(node.hardware, toRecommended(topology, node))
          .filter(({ amount, has }) => !isBelowMinimum(amount, has))
          .map(
            ({ amount, has, wants }) =>
              [
                amount,
                `${node.name} has ${has} ${UNITS[amount]}; ${wants} or more are recommended for this ${node.role}.`,
              ] as const,
          ),
      ),
  },
  {
    id: 'slow-disk',
    severity: 'warning',
    source: 'etcd documentation, hardware; architecture, production hardware',
    find: (topology) =>
      onClusterNodes(topology, (node) => {
        if (node.hardware.diskKind !== 'hdd') return [];
        const why =
          node.role === 'server'
            ? 'etcd waits for the disk at every write and loses its leader when that takes long'
            : 'images and volumes on it are slow';
        return [['diskKind', `${node.name} has a rotating disk: ${why}. Use an SSD.`]];
      }),
  },
];

function toRecommended(topology: Topology, node: TopologyNode): Amounts {
  if (node.role !== 'server') return AGENT;
  if (agents(topology).length <= AGENTS_OF_SMALL_SERVERS) return SERVER;
  return { ...SERVER, cpus: 2 * SERVER.cpus, memoryGiB: 2 * SERVER.memoryGiB };
}

function isBelowMinimum(amount: Amount, has: number): boolean {
  return (amount === 'cpus' || amount === 'memoryGiB') && has < MINIMUM[amount];
}

function shortages(hardware: Hardware, wanted: Partial<Amounts>) {
  return (Object.keys(UNITS) as Amount[]).flatMap((amount) => {
    // The keys of a record that has them all.
    const [has, wants] = [hardware[amount], wanted[amount]];
    return has !== undefined && wants !== undefined && has < wants ? [{ amount, has, wants }] : [];
  });
}

/** Hits at members of `hardware`; load balancers are no cluster nodes and need next to nothing. */
function onClusterNodes(
  { nodes }: Topology,
  judge: (node: TopologyNode) => readonly (readonly [member: keyof Hardware, message: string])[],
): Hit[] {
  return nodes.flatMap((node, place) =>
    node.role === 'lb'
      ? []
      : judge(node).map(([member, message]) => toHit(['nodes', place, 'hardware', member], message)),
  );
}
