import { findIpv4, hasAddress, TAILNET_CIDR } from '@/lib/core/cidr';
import { findNode } from '@/lib/topology/find-node';
import { findRegistrationAddress } from '@/lib/topology/registration';
import type { Topology } from '@/lib/topology/topology';
import type { CheckContext, CheckDefinition } from './check-definition';
import { isActive, isClusterNode, isOurs, toFinding, toShortList, toUnknown } from './check-result';
import type { NodeFacts } from './facts';

const CONFIG_PATH = '/etc/rancher/rke2/config.yaml';
const DAY_MS = 86_400_000;
/** A tailnet's key that ends within this time is amber. */
const KEY_WARN_DAYS = 30;

/** Checks of a cluster that runs already, and of the tailnet below it. None of them has a word on bare hosts. */
export const clusterChecks: readonly CheckDefinition[] = [
  {
    id: 'node-object',
    title: 'Node of that name',
    group: 'cluster',
    source: 'rke2 issues 616, 4478, 7372',
    needs: ['survey'],
    check: checkNodeObject,
  },
  {
    id: 'etcd-address',
    title: 'etcd member’s address',
    group: 'cluster',
    source: 'rke2 issues 1263, 2015, 6270',
    needs: ['survey'],
    check: ({ node, facts, survey }) => {
      if (node.role !== 'server' || !survey?.etcdAddress || !isOurs(facts)) return null;
      return toFinding(survey.etcdAddress === node.internalIp ? 'ok' : 'fail', {
        value: survey.etcdAddress,
        threshold: node.internalIp,
        why: 'An etcd member cannot change its address; it would never find its peers again.',
        fix: `Put the address ${survey.etcdAddress} back in the drawing, or replace this server: remove the node, then add it anew.`,
      });
    },
  },
  {
    id: 'critical-values',
    title: 'Critical values',
    group: 'cluster',
    source: 'RKE2 docs install/ha; k3s issue 4677',
    needs: ['all-facts'],
    check: checkCriticalValues,
  },
  {
    id: 'certificate',
    title: 'Certificate of the fixed address',
    group: 'cluster',
    source: 'rke2 issues 522, 1760',
    needs: ['survey'],
    check: ({ topology, survey }) => {
      if (!survey?.registration) return null;
      const address = findRegistrationAddress(topology) ?? 'the fixed address';
      const words = {
        value: survey.registration === 'valid' ? `proves ${address}` : survey.registration.replace('-', ' '),
        threshold: `proves ${address}`,
        why: 'Clients and joining nodes refuse a certificate that does not name the address they dial.',
        fix: `Add ${address} to the SANs of the drawing, apply, and restart the servers one at a time.`,
      };
      if (survey.registration === 'unknown')
        return toUnknown({ ...words, value: 'curl is missing or failed' });
      if (survey.registration === 'silent')
        return toFinding('warn', {
          ...words,
          value: `${address} does not answer on 9345`,
          fix: 'Look at the load balancers: systemctl status nginx keepalived',
        });
      return toFinding(survey.registration === 'valid' ? 'ok' : 'fail', words);
    },
  },
  {
    id: 'kube-proxy',
    title: 'kube-proxy',
    group: 'cluster',
    source: 'rke2 issues 6415, 2728',
    needs: ['survey'],
    check: ({ topology, node, facts, survey }) => {
      if (!isClusterNode(node) || !survey || !isActive(facts, `rke2-${node.role}.service`)) return null;
      const isReplaced = topology.cilium.kubeProxyReplacement;
      return toFinding(isReplaced && survey.hasKubeProxyManifest ? 'fail' : 'ok', {
        value: survey.hasKubeProxyManifest ? 'runs' : 'does not run',
        threshold: isReplaced ? 'does not run' : 'runs',
        why: 'Cilium and kube-proxy would both rewrite service traffic.',
        fix: 'Look for a file in /etc/rancher/rke2/config.yaml.d that sets disable-kube-proxy, then apply again.',
      });
    },
  },
  {
    id: 'tailscale',
    title: 'Tailscale',
    group: 'cluster',
    source: 'Tailscale docs; tailscale issue 18565',
    needs: ['survey'],
    check: checkTailscale,
  },
  {
    id: 'tailscale-loop',
    title: 'Tailscale inside Cilium',
    group: 'cluster',
    source: 'tailscale issues 1552, 19797; cilium issue 48694',
    needs: ['survey'],
    check: ({ topology, node, survey }) => {
      const hasCilium = survey?.links.some(({ name }) => name === 'cilium_host') ?? false;
      if (!topology.edge.tailscale.enabled || !isClusterNode(node) || !survey || !hasCilium) return null;
      return toFinding(survey.hasTailscaleDropRule ? 'ok' : 'warn', {
        value: survey.hasTailscaleDropRule ? 'kept out' : 'no rule against it',
        threshold: 'udp 41641 dropped on cilium_host',
        why: 'Tailscale may choose the pod network as its way, which itself runs on Tailscale; links then flap.',
        fix: 'Have an nftables rule drop udp 41641 that leaves by cilium_host, and load it at boot.',
      });
    },
  },
];

/** A host that lost its node password (a fresh image) is refused while the cluster still has a node of its name. */
function checkNodeObject({ node, facts, survey, surveys }: CheckContext) {
  if (!isClusterNode(node) || !survey) return null;
  const known = [...surveys.values()].find(({ clusterNodes }) => clusterNodes !== null)?.clusterNodes;
  if (!known) return null;
  const isKnown = known.includes(node.name);
  const isRefused = isKnown && !survey.hasNodePassword && !isActive(facts, `rke2-${node.role}.service`);
  return toFinding(isRefused ? 'fail' : 'ok', {
    value: isRefused ? 'there, and this host has lost its password' : isKnown ? 'this host' : 'none yet',
    threshold: 'none, or this host',
    why: 'The cluster keeps a password per node name and refuses a new host that comes with an old name.',
    fix: `If that node may go: kubectl delete node ${node.name}, then check again.`,
  });
}

/** RKE2's own words for what must be the same on every server, with what it takes where a file says nothing. */
const CRITICAL: Readonly<Record<string, (topology: Topology) => string | null>> = {
  'cluster-cidr': ({ network }) => network.clusterCidr,
  'service-cidr': ({ network }) => network.serviceCidr,
  'cluster-domain': ({ network }) => network.clusterDomain,
  'disable-kube-proxy': ({ cilium }) => String(cilium.kubeProxyReplacement),
  'cluster-dns': () => null,
  'egress-selector-mode': () => null,
};
const DEFAULTS: Readonly<Record<string, string>> = {
  'cluster-cidr': '10.42.0.0/16',
  'service-cidr': '10.43.0.0/16',
  'cluster-domain': 'cluster.local',
  'disable-kube-proxy': 'false',
  'egress-selector-mode': 'agent',
};

/** A running server is compared with the drawing and with the other running ones: a joining server would be refused. */
function checkCriticalValues({ topology, node, facts, all }: CheckContext) {
  const isRunning = (one: NodeFacts) => isActive(one, 'rke2-server.service') && isOurs(one);
  if (node.role !== 'server' || !isRunning(facts)) return null;
  const others = all.filter((one) => one.nodeId !== facts.nodeId && isRunning(one));
  const differences = Object.entries(CRITICAL).flatMap(([key, toWanted]) => {
    const own = readValue(facts, key);
    const wanted = toWanted(topology);
    if (wanted !== null && own !== wanted) return [`${key} is ${own}, the drawing says ${wanted}`];
    const other = others.find((one) => readValue(one, key) !== own);
    const name = other && (findNode(topology, other.nodeId)?.name ?? other.nodeId);
    return other ? [`${key} is ${own || 'not set'}, on ${name} ${readValue(other, key) || 'not set'}`] : [];
  });
  return toFinding(differences.length > 0 ? 'fail' : 'ok', {
    value: differences.length > 0 ? toShortList(differences, 2, '; ') : 'as drawn',
    threshold: 'the same on every server, as drawn',
    why: 'RKE2 refuses a server whose critical values differ, and cannot change them in a running cluster.',
    fix: 'Put the running cluster’s value back in the drawing; another value needs a new cluster.',
  });
}

/** A top-level value of the configuration as the host has it; quotes are left out. */
function readValue(facts: NodeFacts, key: string): string {
  const content = facts.files[CONFIG_PATH]?.content ?? '';
  const line = content.split('\n').find((candidate) => candidate.startsWith(`${key}:`));
  const value = line
    ?.slice(key.length + 1)
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2');
  return value === undefined || value === '' ? (DEFAULTS[key] ?? '') : value;
}

function checkTailscale({ topology, node, survey, nowMs }: CheckContext) {
  const { enabled, tags } = topology.edge.tailscale;
  if (!enabled || !isClusterNode(node) || !survey) return null;
  const state = survey.tailscale;
  const words = {
    threshold:
      tags.length > 0 ? `Running, ${tags.join(', ')}, a key that lasts` : 'Running, a key that lasts',
    why: 'The whole cluster runs over the tailnet; a node that drops out of it is gone.',
    fix: 'tailscale up with a tagged auth key (tagged machines’ keys do not expire), or disable key expiry for this machine',
  };
  if (!state) return toFinding('warn', { ...words, value: 'not installed yet' });
  if (state.backendState !== 'Running')
    return toFinding('fail', { ...words, value: state.backendState || 'gives no answer' });
  const isTailnetAddress = hasAddress(TAILNET_CIDR, findIpv4(node.internalIp) ?? 0);
  if (isTailnetAddress && !state.addresses.includes(node.internalIp))
    return toFinding('fail', { ...words, value: `its address is ${toShortList(state.addresses, 2)}` });
  const missing = tags.filter((tag) => !state.tags.includes(tag));
  if (missing.length > 0) return toFinding('warn', { ...words, value: `without ${missing.join(', ')}` });
  const expiryMs = state.keyExpiry === null ? NaN : Date.parse(state.keyExpiry);
  if (nowMs === null || Number.isNaN(expiryMs)) return toFinding('ok', { ...words, value: 'Running' });
  const days = Math.floor((expiryMs - nowMs) / DAY_MS);
  return toFinding(days < KEY_WARN_DAYS ? 'warn' : 'ok', {
    ...words,
    value: days < 0 ? 'its key has expired' : `its key expires in ${days} days`,
  });
}
