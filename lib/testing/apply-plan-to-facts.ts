import { sha256Hex } from '@/lib/core/hash';
import type { FileFact, NodeFacts } from '@/lib/health/facts';
import { CLUSTER_VERIFY_STAMP, ClusterVerifyParams } from '@/lib/steps/cluster-verify';
import { FilePutParams } from '@/lib/steps/file-put';
import { FileRemoveParams } from '@/lib/steps/file-remove';
import { LB_PACKAGES_STAMP, LbPackagesParams, toLbPackagesStamp } from '@/lib/steps/lb-packages';
import { LbPutParams, NGINX_LINK_STAMP } from '@/lib/steps/lb-put';
import { NGINX_LINK_PATH } from '@/lib/plan/load-balancer-work';
import { LB_READY_STAMP, LbReadyParams } from '@/lib/steps/lb-ready';
import { INSTALL_STAMP, Rke2InstallParams } from '@/lib/steps/rke2-install';
import { NODES_LABEL_STAMP, NodesLabelParams } from '@/lib/steps/nodes-label';
import { READY_STAMP, Rke2ReadyParams } from '@/lib/steps/rke2-ready';
import { ServiceReloadParams } from '@/lib/steps/service-reload';
import { ServiceRunParams } from '@/lib/steps/service-run';
import { ServiceStopParams } from '@/lib/steps/service-stop';
import { SysctlApplyParams } from '@/lib/steps/sysctl-apply';
import { UnitsReloadParams } from '@/lib/steps/units-reload';
import type { StepKindName } from '@/lib/steps/catalogue';
import { NGINX_STREAM_PATH } from '@/lib/render/load-balancer';
import type { PlanStep } from '@/lib/plan/plan';

/** The facts that a host has after these steps of it were done, by what each kind promises. Pure; other nodes stay. */
export function applyPlanToFacts(facts: readonly NodeFacts[], steps: readonly PlanStep[]): NodeFacts[] {
  return facts.map((node) =>
    steps.filter(({ nodeId }) => nodeId === node.nodeId).reduce((now, step) => applyStep(now, step), node),
  );
}

type Effect = (facts: NodeFacts, params: unknown) => NodeFacts;

const EFFECTS: Readonly<Record<StepKindName, Effect>> = {
  'file.put': (facts, params) => {
    const { path, mode, owner, group, content, dropsStamps } = FilePutParams.parse(params);
    return withFile(withoutStamps(facts, dropsStamps), path, { mode, owner, group, content });
  },
  'file.remove': (facts, params) => {
    const { path, dropsStamps } = FileRemoveParams.parse(params);
    return withFile(withoutStamps(facts, dropsStamps), path, null);
  },
  'sysctl.apply': applyStamp,
  'modules.load': applyStamp,
  'sysusers.apply': applyStamp,
  'units.reload': (facts, params) => {
    const { stampName, stamp } = UnitsReloadParams.parse(params);
    return withStamp(facts, stampName, stamp);
  },
  'service.reload': (facts, params) => {
    const { stampName, stamp } = ServiceReloadParams.parse(params);
    return withStamp(facts, stampName, stamp);
  },
  'artifact.fetch': (facts) => facts,
  'artifact.push': (facts) => facts,
  'images.place': (facts) => facts,
  'rke2.install': (facts, params) => {
    const { version, role, dropsStamps } = Rke2InstallParams.parse(params);
    const unit = `rke2-${role}.service`;
    const before = facts.units[unit];
    const units = {
      ...facts.units,
      [unit]: {
        load: 'loaded',
        active: before?.active ?? 'inactive',
        enabled: before?.enabled || 'disabled',
      },
    };
    return withStamp(
      { ...withoutStamps(facts, dropsStamps), rke2Version: version, units },
      INSTALL_STAMP,
      version,
    );
  },
  'service.start': runService,
  'service.restart': runService,
  'service.stop': (facts, params) => {
    const { unit, dropsStamps } = ServiceStopParams.parse(params);
    const load = facts.units[unit]?.load;
    const stopped = { load: load ?? '', active: 'inactive', enabled: 'disabled' };
    const units = load === undefined ? facts.units : { ...facts.units, [unit]: stopped };
    return withoutStamps({ ...facts, units }, dropsStamps);
  },
  'lb.packages': (facts, params) => {
    const wanted = LbPackagesParams.parse(params);
    const units = ['nginx.service', ...(wanted.keepalived ? ['keepalived.service'] : [])];
    const installed = { load: 'loaded', active: 'inactive', enabled: 'enabled' };
    const added = Object.fromEntries(units.map((unit) => [unit, facts.units[unit] ?? installed]));
    const stamp = toLbPackagesStamp(wanted);
    return withStamp({ ...facts, units: { ...facts.units, ...added } }, LB_PACKAGES_STAMP, stamp);
  },
  'lb.put': (facts, params) => {
    const { path, mode, owner, group, content, dropsStamps } = LbPutParams.parse(params);
    const written = withFile(withoutStamps(facts, dropsStamps), path, { mode, owner, group, content });
    if (path !== NGINX_STREAM_PATH || facts.stamps[NGINX_LINK_STAMP] === undefined) return written;
    const link = { mode: '0000', owner: 'unknown', group: 'unknown', content: null };
    return withFile(written, NGINX_LINK_PATH, link);
  },
  'lb.ready': (facts, params) => withStamp(facts, LB_READY_STAMP, LbReadyParams.parse(params).stamp),
  'nodes.label': (facts, params) => withStamp(facts, NODES_LABEL_STAMP, NodesLabelParams.parse(params).stamp),
  'cluster.verify': (facts, params) =>
    withStamp(facts, CLUSTER_VERIFY_STAMP, ClusterVerifyParams.parse(params).stamp),
  'rke2.ready': (facts, params) => withStamp(facts, READY_STAMP, Rke2ReadyParams.parse(params).stamp),
  'rke2.uninstall': (facts) => ({
    ...facts,
    rke2Version: null,
    hasEtcdData: false,
    stamps: {},
    units: Object.fromEntries(Object.entries(facts.units).filter(([unit]) => !unit.startsWith('rke2-'))),
    files: Object.fromEntries(
      Object.entries(facts.files).map(([path, file]) => [path, path.includes('/rancher/') ? null : file]),
    ),
  }),
};

function applyStep(facts: NodeFacts, step: PlanStep): NodeFacts {
  const effect = EFFECTS[step.kind as StepKindName]; // plans are built from the same catalogue
  return effect(facts, step.params);
}

function applyStamp(facts: NodeFacts, params: unknown): NodeFacts {
  const { stampName, stamp, path } = SysctlApplyParams.parse(params);
  const content = facts.files[path]?.content;
  if (content == null || sha256Hex(content) !== stamp) throw new Error(`${path} is not what the stamp says`);
  return withStamp(facts, stampName, stamp);
}

function runService(facts: NodeFacts, params: unknown): NodeFacts {
  const { unit, stamp } = ServiceRunParams.parse(params);
  if (facts.units[unit]?.load !== 'loaded') throw new Error(`${unit} is not installed`);
  const units = { ...facts.units, [unit]: { load: 'loaded', active: 'active', enabled: 'enabled' } };
  const hasEtcdData = facts.hasEtcdData || unit === 'rke2-server.service';
  return withStamp({ ...facts, units, hasEtcdData }, unit, stamp);
}

function withFile(facts: NodeFacts, path: string, file: FileFact | null): NodeFacts {
  return { ...facts, files: { ...facts.files, [path]: file } };
}

function withStamp(facts: NodeFacts, name: string, value: string): NodeFacts {
  return { ...facts, stamps: { ...facts.stamps, [name]: value } };
}

function withoutStamps(facts: NodeFacts, names: readonly string[]): NodeFacts {
  return {
    ...facts,
    stamps: Object.fromEntries(Object.entries(facts.stamps).filter(([name]) => !names.includes(name))),
  };
}
