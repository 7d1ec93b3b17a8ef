import { artifactFetch } from './artifact-fetch';
import { artifactPush } from './artifact-push';
import { clusterVerify } from './cluster-verify';
import { filePut } from './file-put';
import { fileRemove } from './file-remove';
import { imagesPlace } from './images-place';
import { lbPackages } from './lb-packages';
import { lbPut } from './lb-put';
import { lbReady } from './lb-ready';
import { modulesLoad } from './modules-load';
import { nodesLabel } from './nodes-label';
import { rke2Install } from './rke2-install';
import { rke2Ready } from './rke2-ready';
import { rke2Uninstall } from './rke2-uninstall';
import { serviceReload } from './service-reload';
import { serviceRestart, serviceStart } from './service-run';
import { serviceStop } from './service-stop';
import type { StepKind } from './step-kind';
import { sysctlApply } from './sysctl-apply';
import { sysusersApply } from './sysusers-apply';
import { unitsReload } from './units-reload';

/** Every kind of step, by name. */
export const STEP_KINDS = {
  'file.put': filePut,
  'file.remove': fileRemove,
  'sysctl.apply': sysctlApply,
  'modules.load': modulesLoad,
  'sysusers.apply': sysusersApply,
  'units.reload': unitsReload,
  'artifact.fetch': artifactFetch,
  'artifact.push': artifactPush,
  'images.place': imagesPlace,
  'rke2.install': rke2Install,
  'service.start': serviceStart,
  'service.restart': serviceRestart,
  'service.reload': serviceReload,
  'service.stop': serviceStop,
  'lb.packages': lbPackages,
  'lb.put': lbPut,
  'lb.ready': lbReady,
  'rke2.ready': rke2Ready,
  'nodes.label': nodesLabel,
  'cluster.verify': clusterVerify,
  'rke2.uninstall': rke2Uninstall,
} as const satisfies Readonly<Record<string, StepKind>>;

export type StepKindName = keyof typeof STEP_KINDS;

/** The kind of that name, or null for a name that this release does not know. */
export function findStepKind(kind: string): StepKind | null {
  return Object.hasOwn(STEP_KINDS, kind) ? STEP_KINDS[kind as StepKindName] : null; // hasOwn has just proved the name
}
