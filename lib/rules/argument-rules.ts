import type { Topology } from '@/lib/topology/topology';
import { COMPONENTS, findGoDurationMs, toFlag } from './component-args';
import type { Component } from './component-args';
import { toHit, toSetFix } from './rule';
import type { Hit, Rule } from './rule';

/** Flags that Kubernetes no longer has: a component with one of them does not start. */
const REMOVED: Readonly<Record<string, string>> = {
  'pod-eviction-timeout':
    'tolerations took its place (default-unreachable-toleration-seconds of the API server)',
  'enable-taint-manager': 'it is always on',
  'container-runtime': 'there is one kind only',
  'network-plugin': 'the container runtime does it',
  'insecure-port': 'there is no insecure port any more',
  'insecure-bind-address': 'there is no insecure port any more',
};
/** Keys that K3s has and RKE2 dropped (RKE2 pkg/cli/cmds/server.go). */
const K3S_ONLY =
  /^(cluster-init|flannel-.+|vpn-auth(-file)?|https-listen-port|supervisor-port|apiserver-port|disable-network-policy|rootless|docker|prefer-bundled-bin)$/;
/** Flags that follow from a field of the document; a second value would split the cluster. */
const FIELD_OF: Readonly<Record<string, string>> = {
  'service-cluster-ip-range': 'network.serviceCidr',
  'cluster-cidr': 'network.clusterCidr',
  'cluster-domain': 'network.clusterDomain',
  'node-ip': 'the node’s internalIp',
  'hostname-override': 'the node’s name',
  'node-labels': 'the node’s labels',
  'register-with-taints': 'the node’s taints',
  'advertise-address': 'the node’s internalIp',
};
/** Values that open what RKE2 has closed. */
const WEAKENING: readonly { flag: string; isWeak: (value: string) => boolean; why: string }[] = [
  {
    flag: 'anonymous-auth',
    isWeak: (value) => value === 'true',
    why: 'anybody who reaches the port may ask; /healthz answering 401 is how RKE2 says that it is alive',
  },
  {
    flag: 'authorization-mode',
    isWeak: (value) => value.split(',').includes('AlwaysAllow'),
    why: 'whoever has signed in may do everything',
  },
  {
    flag: 'read-only-port',
    isWeak: (value) => value !== '0',
    why: 'the kubelet would show pods and their settings to everybody, unencrypted',
  },
];
const DURATION_FLAGS = new Set([
  'node-monitor-grace-period',
  'node-monitor-period',
  'leader-elect-lease-duration',
  'leader-elect-renew-deadline',
  'leader-elect-retry-period',
  'node-status-update-frequency',
]);

/** Arguments of Kubernetes' own components. Unlike an unknown key of RKE2, a bad one stops the component. */
export const ARGUMENT_RULES: readonly Rule[] = [
  {
    id: 'argument-removed',
    severity: 'error',
    source: 'Kubernetes changelogs (removed flags)',
    find: (topology) =>
      hitsOf(topology, ({ flag }) =>
        REMOVED[flag] === undefined
          ? null
          : `Kubernetes no longer has the flag ${flag}: ${REMOVED[flag]}. The component would not start.`,
      ),
  },
  {
    id: 'argument-k3s-only',
    severity: 'error',
    source: 'RKE2 docs reference/server_config',
    find: (topology) =>
      hitsOf(topology, ({ flag }) =>
        K3S_ONLY.test(flag) ? `${flag} is a setting of K3s that RKE2 does not have.` : null,
      ),
  },
  {
    id: 'argument-of-a-field',
    severity: 'error',
    source: 'RKE2 docs reference/server_config',
    find: (topology) =>
      hitsOf(topology, ({ flag }) =>
        FIELD_OF[flag] === undefined
          ? null
          : `${flag} follows from ${FIELD_OF[flag]}; set it there, so that every node has the same.`,
      ),
  },
  {
    id: 'argument-weakens',
    severity: 'warning',
    source: 'RKE2 docs security/hardening_guide; Kubernetes component reference',
    find: (topology) =>
      hitsOf(topology, (argument) => {
        const why = WEAKENING.find((each) => each.flag === argument.flag && each.isWeak(argument.value))?.why;
        return why === undefined ? null : `${argument.flag}=${argument.value}: ${why}.`;
      }),
  },
  {
    id: 'argument-form',
    severity: 'error',
    source: 'Kubernetes component reference',
    find: (topology) =>
      hitsOf(topology, ({ flag, value }) => {
        if (value !== value.trim())
          return `The value of ${flag} starts or ends with a blank, which the component takes literally.`;
        if (DURATION_FLAGS.has(flag) && findGoDurationMs(value) === null)
          return `${value} is no duration such as 40s or 1m30s, so the component would not start.`;
        return null;
      }),
  },
  {
    id: 'argument-twice',
    severity: 'warning',
    source: 'Kubernetes component reference',
    find: ({ rke2: { serverArgs } }) =>
      COMPONENTS.flatMap((component) => {
        const args = serverArgs[component];
        const isRepeated = (place: number) =>
          args.slice(place + 1).some((later) => toFlag(later).flag === toFlag(args[place] ?? '').flag);
        const places = args.map((_, place) => place).filter(isRepeated);
        const path = ['rke2', 'serverArgs', component];
        const kept = args.filter((_, place) => !places.includes(place));
        return places.map((place) =>
          toHit(
            [...path, place],
            `${toFlag(args[place] ?? '').flag} stands more than once; only the last one counts.`,
            toSetFix('Keep the last one', path, kept),
          ),
        );
      }),
  },
];

/** One hit per argument for which `judge` has words; the fix leaves such arguments out. */
function hitsOf(
  topology: Topology,
  judge: (argument: { flag: string; value: string }) => string | null,
): Hit[] {
  return COMPONENTS.flatMap((component: Component) => {
    const args = topology.rke2.serverArgs[component];
    const path = ['rke2', 'serverArgs', component];
    return args.flatMap((argument, place): Hit[] => {
      const parsed = toFlag(argument);
      const message = judge(parsed);
      if (message === null) return [];
      const rest = args.filter((_, other) => other !== place);
      return [toHit([...path, place], message, toSetFix(`Leave ${parsed.flag} out`, path, rest))];
    });
  });
}
