import type { ApiObject, Condition } from './api-object';
import { standInAnnotation } from './layout';

/** What a kubelet knows about its host. */
export interface NodeFacts {
  name: string;
  internalIp: string;
  externalIp: string | null;
  version: string;
  isServer: boolean;
  labels: readonly string[];
  taints: readonly string[];
  machineId: string;
  bootId: string;
  kernel: string;
  osImage: string;
  architecture: string;
  cpus: number;
  memoryKiB: number;
}

function parseTaint(text: string): { key: string; value?: string; effect: string } {
  const [, key = text, value, effect = 'NoSchedule'] = /^([^=:]+)(?:=([^:]*))?(?::(.+))?$/.exec(text) ?? [];
  return { key, effect, ...(value ? { value } : {}) };
}

/** Take the node password away, and the etcd member, before a deleted node is gone (k3s pkg/node, pkg/etcd). */
export const nodeFinalizer = 'wrangler.cattle.io/node';
export const etcdFinalizer = 'wrangler.cattle.io/managed-etcd-controller';

/** The Node as it is registered once: labels and taints of the configuration count only now (facts 2.2, 12 row 35). */
export function toNewNode(facts: NodeFacts): ApiObject {
  const own = Object.fromEntries(
    facts.labels.map((label) => [label.split('=')[0] ?? label, label.split('=')[1] ?? '']),
  );
  const roles = ['control-plane', 'etcd'].map((role) => [`node-role.kubernetes.io/${role}`, 'true']);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: {
        'beta.kubernetes.io/arch': facts.architecture,
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': facts.architecture,
        'kubernetes.io/hostname': facts.name,
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': 'rke2',
        ...(facts.isServer ? Object.fromEntries(roles) : {}),
        ...own,
      },
      annotations: {
        ...standInAnnotation,
        'rke2.io/hostname': facts.name,
        'rke2.io/internal-ip': facts.internalIp,
      },
      finalizers: facts.isServer ? [nodeFinalizer, etcdFinalizer] : [nodeFinalizer],
    },
    spec: {
      providerID: `rke2://${facts.name}`,
      ...(facts.taints.length > 0 ? { taints: facts.taints.map(parseTaint) } : {}),
    },
  };
}

/** The status that a kubelet reports; without a CNI configuration a node is not ready, as in Kubernetes. */
export function toNodeStatus(
  facts: NodeFacts,
  hasCni: boolean,
  previous: readonly Condition[],
  now: string,
): Record<string, unknown> {
  const pressure = (type: string, reason: string, message: string): Condition => ({
    type,
    status: 'False',
    reason,
    message,
  });
  const ready: Condition = hasCni
    ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
    : {
        type: 'Ready',
        status: 'False',
        reason: 'KubeletNotReady',
        message:
          'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
      };
  const own = [
    pressure('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    pressure('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pressure('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    ready,
  ];
  // A kubelet merges by type: what others say of the node (`EtcdIsVoter`) stays.
  const foreign = previous.filter(({ type }) => !own.some((condition) => condition.type === type));
  const current = own.map((condition) => {
    const before = previous.find((candidate) => candidate.type === condition.type);
    const isSame = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return {
      ...condition,
      lastHeartbeatTime: now,
      lastTransitionTime: isSame ? before.lastTransitionTime : now,
    };
  });
  const external = facts.externalIp === null ? [] : [{ type: 'ExternalIP', address: facts.externalIp }];
  const capacity = { cpu: String(facts.cpus), memory: `${facts.memoryKiB}Ki`, pods: '110' };
  return {
    addresses: [
      { type: 'InternalIP', address: facts.internalIp },
      ...external,
      { type: 'Hostname', address: facts.name },
    ],
    capacity,
    allocatable: capacity,
    conditions: [...current, ...foreign],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: 'containerd://stand-in',
      kernelVersion: facts.kernel,
      kubeProxyVersion: facts.version,
      kubeletVersion: facts.version,
      machineID: facts.machineId,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.machineId,
    },
  };
}

/** A pod that a node runs, with a status as the kubelet would write it. */
export function toPodObject(
  name: string,
  facts: NodeFacts,
  owner: { image: string; labels: Record<string, string> },
  run: { isRunning: boolean; restarts: number; startedAt: string },
): ApiObject {
  const state = run.isRunning
    ? { running: { startedAt: run.startedAt } }
    : { waiting: { reason: 'CrashLoopBackOff' } };
  const isReady = run.isRunning ? 'True' : 'False';
  const container = name.replace(/-[^-]*$/, '');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels: owner.labels, annotations: { ...standInAnnotation } },
    spec: { nodeName: facts.name, hostNetwork: true, containers: [{ name: container, image: owner.image }] },
    status: {
      phase: 'Running',
      hostIP: facts.internalIp,
      podIP: facts.internalIp,
      startTime: run.startedAt,
      conditions: ['Initialized', 'PodScheduled', 'ContainersReady', 'Ready'].map((type) => ({
        type,
        status: type === 'Initialized' || type === 'PodScheduled' ? 'True' : isReady,
      })),
      containerStatuses: [
        { name: container, image: owner.image, ready: run.isRunning, restartCount: run.restarts, state },
      ],
    },
  };
}
