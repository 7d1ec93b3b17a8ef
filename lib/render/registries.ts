import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toPlainFile } from './plain-file';
import type { RenderedFile } from './rendered-file';
import { toYaml } from './to-yaml';
import type { YamlValue } from './to-yaml';

export const REGISTRIES_PATH = '/etc/rancher/rke2/registries.yaml';

/**
 * /etc/rancher/rke2/registries.yaml, or null where there is nothing to say (RKE2 docs install/private_registry).
 * The embedded registry shares only registries that stand under `mirrors`, so it gets an entry for all
 * (RKE2 docs install/registry_mirror).
 */
export function renderRegistries({ edge }: Topology, node: TopologyNode): RenderedFile | null {
  const mirrors = new Map<string, YamlValue>(
    edge.registryMirrors.map(({ registry, endpoints }) => [registry, { endpoint: endpoints }]),
  );
  if (edge.embeddedRegistry && !mirrors.has('*')) mirrors.set('*', {});
  if (mirrors.size === 0) return null;
  return toPlainFile({
    path: REGISTRIES_PATH,
    mode: '0600',
    body: toYaml({ mirrors: Object.fromEntries(mirrors) }),
    readBy: [node.role === 'server' ? 'rke2-server.service' : 'rke2-agent.service'],
    purpose: 'Registry mirrors for the container runtime.',
  });
}
