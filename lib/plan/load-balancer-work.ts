import { canonicalJson, sha256Hex } from '@/lib/core/hash';
import { toUnifiedDiff } from '@/lib/core/unified-diff';
import type { NodeFacts } from '@/lib/health/facts';
import { KEEPALIVED_PATH, NGINX_STREAM_PATH } from '@/lib/render/load-balancer';
import type { RenderedFile } from '@/lib/render/rendered-file';
import { renderNode } from '@/lib/render/render-node';
import { toDropInPath } from '@/lib/render/service-drop-ins';
import { LB_PACKAGES_STAMP, toLbPackagesStamp } from '@/lib/steps/lb-packages';
import { NGINX_EL_FOLDER, NGINX_LINK_STAMP } from '@/lib/steps/lb-put';
import { LB_READY_STAMP } from '@/lib/steps/lb-ready';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { toDropInRemoval, toDropInWork } from './drop-in-work';
import { dropsStamp, isOurs, isSame, PLAIN, toFileEffect, toServiceStamp } from './file-work';
import type { Work } from './file-work';
import { isRunning } from './is-running';

/** What a load balancer runs, in the order in which it comes up; it goes down in the opposite one. */
const PROGRAMS = [
  { program: 'nginx', unit: 'nginx.service', path: NGINX_STREAM_PATH },
  { program: 'keepalived', unit: 'keepalived.service', path: KEEPALIVED_PATH },
] as const;
type Program = (typeof PROGRAMS)[number];

/** Stands beside the file where the host's nginx includes another folder; a link to the file (`lib/steps/lb-put.ts`). */
export const NGINX_LINK_PATH = `${NGINX_EL_FOLDER}/${NGINX_STREAM_PATH.split('/').at(-1)}`;

/** Every path that a load balancer may have from us. */
export const LOAD_BALANCER_PATHS: readonly string[] = [
  ...PROGRAMS.flatMap(({ path, unit }) => [path, toDropInPath(unit)]),
  NGINX_LINK_PATH,
];

/** What has to be done on one load balancer so that it is as the topology says, in order; empty where it already is. */
export function toLoadBalancerWork(
  topology: Topology,
  node: TopologyNode,
  facts: NodeFacts,
): readonly Work[] {
  const files = renderNode(topology, node.id);
  const wanted = PROGRAMS.flatMap((each) => {
    const file = files.find(({ path }) => path === each.path);
    return file ? [{ ...each, file, stamp: toServiceStamp(each.program, each.unit, [file]) }] : [];
  });
  const gone = PROGRAMS.filter(({ path }) => !wanted.some((each) => each.path === path));
  const vip = wanted.some(({ program }) => program === 'keepalived')
    ? (topology.registration.vip ?? null)
    : null;
  const written = wanted.flatMap((each) => toFileWork(each, facts));
  const served = wanted.flatMap((each) => toServiceWork(each, node, facts, dropsStamp(written, each.unit)));
  return [
    ...[...gone].reverse().flatMap((each) => toRelease(each, node, facts)),
    ...(wanted.length === 0 ? [] : toPackageWork(node, facts, wanted)),
    ...wanted.flatMap(({ unit }) =>
      files
        .filter(({ path }) => path === toDropInPath(unit))
        .flatMap((file) => toDropInWork(file, unit, facts)),
    ),
    ...written,
    ...served,
    ...(wanted.length === 0 ? [] : toReadyWork(node, facts, vip, wanted, served.length > 0)),
  ];
}

/** What takes our part off one load balancer, in order: the virtual IP goes first; packages stay. */
export function toLoadBalancerRelease(node: TopologyNode, facts: NodeFacts): readonly Work[] {
  return [...PROGRAMS].reverse().flatMap((each) => toRelease(each, node, facts));
}

type Wanted = Program & { readonly file: RenderedFile; readonly stamp: string };

function toPackageWork(node: TopologyNode, facts: NodeFacts, wanted: readonly Wanted[]): Work[] {
  const keepalived = wanted.some(({ program }) => program === 'keepalived');
  const stamp = toLbPackagesStamp({ keepalived });
  const isThere = wanted.every(({ unit }) => facts.units[unit]?.load === 'loaded');
  if (isThere && facts.stamps[LB_PACKAGES_STAMP] === stamp) return [];
  const names = keepalived ? 'nginx with its stream module and keepalived' : 'nginx with its stream module';
  return [
    {
      ...PLAIN,
      kind: 'lb.packages',
      params: { keepalived },
      effect: `installs what ${node.name} lacks of ${names}, from the repositories that the host has`,
      phase: 'change',
    },
  ];
}

function toFileWork({ program, file, unit }: Wanted, facts: NodeFacts): Work[] {
  const found = facts.files[file.path] ?? null;
  const isLost = program === 'nginx' && isLinkLost(facts);
  if (isSame(file, found) && !isLost) return [];
  const { path, mode, owner, group, content, secrets } = file;
  const dropsStamps = [unit, LB_READY_STAMP];
  return [
    {
      ...PLAIN,
      kind: 'lb.put',
      params: { program, path, mode, owner, group, content, secrets, dropsStamps },
      effect: isLost
        ? `once ${program} accepts it, links ${path} again to where ${program} looks`
        : `once ${program} accepts it, ${toFileEffect(file, found)}`,
      diff: toUnifiedDiff(path, found?.content ?? null, content),
      phase: 'change',
    },
  ];
}

/** An nginx of EL read our file through a link that is gone now: it serves on until it reads its configuration again. */
function isLinkLost(facts: NodeFacts): boolean {
  return facts.stamps[NGINX_LINK_STAMP] !== undefined && !facts.files[NGINX_LINK_PATH];
}

/** A running program reads its file again and keeps the connections that it has; only one that is off is started. */
function toServiceWork(
  { program, unit, stamp }: Wanted,
  node: TopologyNode,
  facts: NodeFacts,
  isTouched: boolean,
): Work[] {
  const isEnabled = facts.units[unit]?.enabled === 'enabled';
  const isActive = facts.units[unit]?.active === 'active';
  if (isActive && isEnabled && facts.stamps[unit] === stamp && !isTouched) return [];
  if (isActive && isEnabled) {
    return [
      {
        ...PLAIN,
        kind: 'service.reload',
        params: { unit, stampName: unit, stamp },
        effect: `${program} on ${node.name} reads its configuration again; open connections stay`,
        phase: 'serve',
      },
    ];
  }
  const runs = isRunning(facts, unit);
  return [
    {
      ...PLAIN,
      kind: runs ? 'service.restart' : 'service.start',
      params: { unit, stamp },
      effect: runs
        ? `restarts ${program} on ${node.name} and has it start at every boot`
        : `starts ${program} on ${node.name}, now and at every boot`,
      restarts: [unit],
      phase: 'serve',
    },
  ];
}

function toReadyWork(
  node: TopologyNode,
  facts: NodeFacts,
  vip: string | null,
  wanted: readonly Wanted[],
  isServing: boolean,
): Work[] {
  const stamp = sha256Hex(canonicalJson({ vip, units: wanted.map((each) => [each.unit, each.stamp]) }));
  if (!isServing && facts.stamps[LB_READY_STAMP] === stamp) return [];
  const held = vip === null ? '' : ` and the virtual IP ${vip} is held`;
  return [
    {
      ...PLAIN,
      kind: 'lb.ready',
      params: { vip, stamp },
      effect: `waits until ${node.name} listens on 6443 and 9345${held}; changes nothing`,
      phase: 'serve',
    },
  ];
}

/** Stops a program that runs for us and removes our file; a host's own nginx or keepalived is none of our business. */
function toRelease({ program, unit, path }: Program, node: TopologyNode, facts: NodeFacts): Work[] {
  const paths = program === 'nginx' ? [NGINX_LINK_PATH, path] : [path];
  const left = paths.filter((each) => each === NGINX_LINK_PATH || isOurs(facts.files[each]));
  const present = left.filter((each) => facts.files[each]);
  const dropIn = toDropInRemoval(unit, facts);
  if (present.length === 0 && facts.stamps[unit] === undefined) return dropIn;
  const ofLink =
    program === 'nginx' && facts.stamps[NGINX_LINK_STAMP] !== undefined ? [NGINX_LINK_STAMP] : [];
  const dropsStamps = [unit, LB_READY_STAMP, LB_PACKAGES_STAMP, ...ofLink];
  const stop: Work = {
    ...PLAIN,
    kind: 'service.stop',
    params: { unit, dropsStamps },
    effect: `stops ${program} on ${node.name} and keeps it from starting at boot; its package stays`,
    phase: 'serve',
  };
  const remove = (each: string): Work => ({
    ...PLAIN,
    kind: 'file.remove',
    params: { path: each, dropsStamps: [] },
    effect: `removes ${each}`,
    diff: toUnifiedDiff(each, facts.files[each]?.content ?? null, null),
    phase: 'serve',
  });
  return [stop, ...present.map(remove), ...dropIn];
}
