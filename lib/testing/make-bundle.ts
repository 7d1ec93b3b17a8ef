import { toBareFacts } from '@/lib/bundle/bare-facts';
import type { BundleFile } from '@/lib/bundle/bundle-file';
import { listBundle } from '@/lib/bundle/list-bundle';
import { SiteId } from '@/lib/core/ids';
import { buildPlan } from '@/lib/plan/build-plan';
import type { Plan } from '@/lib/plan/plan';
import type { Topology } from '@/lib/topology/topology';

/** The plan of a topology from bare hosts. */
export function toBarePlan(topology: Topology): Plan {
  const facts = topology.nodes.map((node) => toBareFacts(topology, node));
  return buildPlan({ siteId: SiteId.parse('site-bundle'), topology, revision: 3, kind: 'apply', facts });
}

/** The files of its bundle, by path. */
export function makeBundle(topology: Topology, plan = toBarePlan(topology)): Map<string, BundleFile> {
  const files = listBundle({ siteName: 'Bern 2', topology, plan, isBare: true });
  return new Map(files.map((file) => [file.path, file]));
}
