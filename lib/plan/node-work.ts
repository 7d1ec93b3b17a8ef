import { sha256Hex } from '@/lib/core/hash';
import { toUnifiedDiff } from '@/lib/core/unified-diff';
import { isActive } from '@/lib/health/check-result';
import type { FileFact, NodeFacts } from '@/lib/health/facts';
import { ETCD_USER_PATH } from '@/lib/render/cis-files';
import { hasClusterCaSlot } from '@/lib/render/cluster-ca';
import { MODULES_PATH, NETWORK_MANAGER_PATH, SYSCTL_PATH } from '@/lib/render/host-files';
import type { RenderedFile } from '@/lib/render/rendered-file';
import { renderNode } from '@/lib/render/render-node';
import { toDropInPath } from '@/lib/render/service-drop-ins';
import { INTERNET_ARTIFACTS_URL } from '@/lib/steps/artifact-fetch';
import { INSTALL_STAMP } from '@/lib/steps/rke2-install';
import { READY_STAMP } from '@/lib/steps/rke2-ready';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toDropInWork } from './drop-in-work';
import { findDaysLeft, toEndText } from './certificate-words';
import { dropsStamp, isOurs, isSame, PLAIN, toFileEffect, toServiceStamp, withoutLabels } from './file-work';
import type { Work } from './file-work';
import { isRunning } from './is-running';
import { OPTIONAL_PATHS } from './plan-writes';
import { findRke2Version } from './rke2-version';

const SYSCTL_STAMP = 'sysctl';
const MODULES_STAMP = 'modules';
const SYSUSERS_STAMP = 'sysusers';
const NETWORK_MANAGER_UNIT = 'NetworkManager.service';

/** What has to be done on one server or agent so that it is as the topology says, in order; empty where it already is. */
export function toNodeWork(topology: Topology, node: TopologyNode, facts: NodeFacts): readonly Work[] {
  const unit = `rke2-${node.role}.service`;
  const files = renderNode(topology, node.id).filter(
    ({ onlyWithUnit }) => onlyWithUnit === null || facts.units[onlyWithUnit]?.load === 'loaded',
  );
  const dropped = OPTIONAL_PATHS.filter(
    (path) => !files.some((file) => file.path === path) && isOurs(facts.files[path]),
  );
  const stamp = toServiceStamp(topology.rke2.version, unit, files);
  // Only a first server that has run can tell the CA's hash, so these stand right before the start, which waits for it.
  const pinned = files.filter(({ content }) => hasClusterCaSlot(content));
  const others = files.filter((file) => !pinned.includes(file));
  const before = [
    ...toArtifactWork(topology, node, facts),
    ...others.flatMap((file) =>
      file.path === toDropInPath(unit)
        ? toDropInWork(file, unit, facts)
        : [...toFileWork(file, facts, unit), ...toFollowUp(file, facts)],
    ),
    ...dropped.map((path) => toRemoval(path, facts, FILE_STAMPS[path] ?? [unit, READY_STAMP])),
    ...toInstallWork(topology, node, facts, unit),
    ...pinned.flatMap((file) => toFileWork(file, facts, unit).map(toServeWork)),
  ];
  const isKept = facts.stamps[unit] === stamp && !dropsStamp(before, unit);
  return [...before, ...toServiceWork(topology, node, facts, { unit, stamp, isKept })];
}

function toArtifactWork(topology: Topology, node: TopologyNode, facts: NodeFacts): Work[] {
  const { version, artifacts } = topology.rke2;
  if (isInstalled(version, facts)) return [];
  const toBring = (file: string): Work => {
    if (artifacts.from === 'pushed') {
      const effect = `sends ${file} from Siteplan to ${node.name} over SSH and checks it`;
      return { ...PLAIN, kind: 'artifact.push', params: { version, arch: node.arch, file }, effect };
    }
    const baseUrl = artifacts.from === 'mirror' ? artifacts.url : INTERNET_ARTIFACTS_URL;
    const effect = `fetches ${file} from ${new URL(baseUrl).host} to ${node.name} and checks it`;
    return { ...PLAIN, kind: 'artifact.fetch', params: { baseUrl, version, arch: node.arch, file }, effect };
  };
  const toPlace = (file: string): Work => ({
    ...PLAIN,
    kind: 'images.place',
    params: { version, arch: node.arch, file },
    effect: `lets RKE2 on ${node.name} import ${file} instead of pulling its images`,
  });
  // A mirror or Siteplan may be all that a site reaches, so image bundles come along (RKE2 docs install/airgap).
  const bundles =
    artifacts.from === 'internet'
      ? []
      : toBundleNames(topology).map((name) => `rke2-images-${name}.linux-${node.arch}.tar.zst`);
  return [
    toBring(`rke2.linux-${node.arch}.tar.gz`),
    ...bundles.flatMap((file) => [toBring(file), toPlace(file)]),
  ];
}

/** From 1.36 on Traefik is in the core bundle and ingress-nginx in one of its own, before that the other way round. */
function toBundleNames({ rke2 }: Topology): readonly string[] {
  const inCore = (findRke2Version(rke2.version)?.minor ?? 0) >= 36 ? 'traefik' : 'ingress-nginx';
  const isApart = rke2.ingressController !== 'none' && rke2.ingressController !== inCore;
  return ['core', 'cilium', ...(isApart ? [rke2.ingressController] : [])];
}

function toFileWork(file: RenderedFile, facts: NodeFacts, unit: string): Work[] {
  const found = facts.files[file.path] ?? null;
  if (isSame(file, found)) return [];
  const isLabelled = hasOtherLabels(file, found);
  const isRead = file.readBy.includes(unit) && !isLabelled;
  const { path, mode, owner, group, content, secrets } = file;
  const dropsStamps = isRead ? [unit, READY_STAMP] : (FILE_STAMPS[path] ?? []);
  return [
    {
      ...PLAIN,
      kind: 'file.put',
      params: { path, mode, owner, group, content, secrets, dropsStamps },
      effect: isLabelled
        ? `changes ${path}: labels and taints that count when the node registers anew; nothing restarts`
        : toFileEffect(file, found),
      diff: toUnifiedDiff(path, found?.content ?? null, content),
      phase: isRead || file.readBy.length > 0 || path.startsWith('/var/lib/rancher/') ? 'change' : 'prepare',
    },
  ];
}

function toServeWork(work: Work): Work {
  return { ...work, phase: 'serve' };
}

/** Whether a file differs from what stands on the host in labels and taints alone. */
function hasOtherLabels(file: RenderedFile, found: FileFact | null): boolean {
  if (found?.content == null || found.content === file.content) return false;
  const content = withoutLabels(file.content);
  return isSame({ ...file, content }, { ...found, content: withoutLabels(found.content) });
}

const FILE_STAMPS: Readonly<Record<string, readonly string[]>> = {
  [SYSCTL_PATH]: [SYSCTL_STAMP],
  [MODULES_PATH]: [MODULES_STAMP],
  [ETCD_USER_PATH]: [SYSUSERS_STAMP],
  [NETWORK_MANAGER_PATH]: [NETWORK_MANAGER_UNIT],
};

/** What makes a written file count at once. */
function toFollowUp({ path, content }: RenderedFile, facts: NodeFacts): Work[] {
  const stampName = FILE_STAMPS[path]?.[0];
  const stamp = sha256Hex(content);
  if (stampName === undefined || facts.stamps[stampName] === stamp) return [];
  switch (path) {
    case MODULES_PATH:
      return [
        {
          ...PLAIN,
          kind: 'modules.load',
          params: { path, stampName, stamp },
          effect: 'loads the kernel modules now',
        },
      ];
    case SYSCTL_PATH:
      return [
        {
          ...PLAIN,
          kind: 'sysctl.apply',
          params: { path, stampName, stamp },
          effect: 'applies the kernel settings now',
        },
      ];
    case ETCD_USER_PATH:
      return [
        {
          ...PLAIN,
          kind: 'sysusers.apply',
          params: { path, stampName, stamp },
          effect: 'makes the user and group etcd where they are missing',
        },
      ];
    default:
      return [
        {
          ...PLAIN,
          kind: 'service.reload',
          params: { unit: NETWORK_MANAGER_UNIT, stampName, stamp },
          effect: 'has NetworkManager read its configuration again; connections stay up',
        },
      ];
  }
}

function toRemoval(path: string, facts: NodeFacts, dropsStamps: readonly string[]): Work {
  return {
    ...PLAIN,
    kind: 'file.remove',
    params: { path, dropsStamps },
    effect: `removes ${path}, which the topology no longer asks for`,
    diff: toUnifiedDiff(path, facts.files[path]?.content ?? null, null),
    phase: 'change',
  };
}

function toInstallWork(topology: Topology, node: TopologyNode, facts: NodeFacts, unit: string): Work[] {
  const { version } = topology.rke2;
  if (isInstalled(version, facts)) return [];
  const from = facts.rke2Version;
  return [
    {
      ...PLAIN,
      kind: 'rke2.install',
      params: { version, arch: node.arch, role: node.role, dropsStamps: [unit, READY_STAMP] },
      effect:
        from === null || from === version
          ? `installs RKE2 ${version} on ${node.name}; starts nothing`
          : `replaces RKE2 ${from} by ${version} on ${node.name}; what runs goes on until its restart`,
      phase: 'change',
    },
  ];
}

function toServiceWork(
  topology: Topology,
  node: TopologyNode,
  facts: NodeFacts,
  /** `isKept`: it was started with just this, and no step before touches what it read. */
  { unit, stamp, isKept }: { readonly unit: string; readonly stamp: string; readonly isKept: boolean },
): Work[] {
  const runs = isRunning(facts, unit);
  const servers = topology.nodes.filter(({ role }) => role === 'server').length;
  // One that fails again and again does not vote.
  const touchesQuorum = isActive(facts, unit) && node.role === 'server';
  const isServed = isActive(facts, unit) && facts.units[unit]?.enabled === 'enabled' && isKept;
  const name = unit.replace('.service', '');
  const days = runs ? findDaysLeft(facts) : null;
  const renewal = days === null ? '' : ` and renews its certificates, which ${toEndText(days)}`;
  const serve: Work = {
    ...PLAIN,
    kind: runs ? 'service.restart' : 'service.start',
    params: { unit, stamp, ...(node.role === 'server' && servers > 1 && { keepsQuorumAs: node.name }) },
    effect: runs
      ? `restarts ${name} on ${node.name}${renewal}`
      : `starts ${name} on ${node.name}, now and at every boot`,
    restarts: [unit],
    touchesQuorum,
    phase: 'serve',
  };
  const ready: Work = {
    ...PLAIN,
    kind: 'rke2.ready',
    params: {
      nodeName: node.name,
      role: node.role,
      version: topology.rke2.version,
      voter: node.role === 'server' && servers > 1,
      stamp,
    },
    effect: `waits until the cluster says that ${node.name} is Ready; changes nothing`,
    phase: 'serve',
  };
  const isSeenReady = facts.stamps[READY_STAMP] === stamp;
  return [...(isServed ? [] : [serve]), ...(isServed && isSeenReady ? [] : [ready])];
}

function isInstalled(version: string, facts: NodeFacts): boolean {
  return facts.rke2Version === version && facts.stamps[INSTALL_STAMP] === version;
}
