import { quoteShell } from '@/lib/core/shell-quote';
import { HOSTNAME, toCount } from '@/lib/core/text';
import type { CheckContext, CheckDefinition } from './check-definition';
import { isClusterNode, isOurs, toFinding, toShortList } from './check-result';

const PREFLIGHT = 'RKE2 facts, runner-ups of preflight';
/** RKE2 docs known_issues; the plan's own kernel settings raise them. */
const INOTIFY = { 'fs.inotify.max_user_instances': 8_192, 'fs.inotify.max_user_watches': 524_288 };
/** RKE2 docs security/hardening_guide: with `profile: cis` RKE2 refuses to start with other values. */
const CIS = {
  'vm.panic_on_oom': '0',
  'vm.overcommit_memory': '1',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
};
/** What a plan writes its kernel settings to. */
const SYSCTL_PATH = '/etc/sysctl.d/90-siteplan-rke2.conf';
/** What a plan makes the user etcd from. */
const ETCD_USER_PATH = '/etc/sysusers.d/siteplan-etcd.conf';

const programChecks: readonly CheckDefinition[] = [
  {
    id: 'tools',
    title: 'Programs',
    group: 'software',
    source: PREFLIGHT,
    check: ({ topology, facts }) => {
      // What is sent to a host needs no program there that downloads.
      const isSent = topology.rke2.artifacts.from === 'pushed';
      const names = facts.missingTools.filter((name) => !isSent || name !== 'curl or wget');
      return toFinding(
        names.length === 0 ? 'ok' : names.every((name) => name === 'iptables') ? 'warn' : 'fail',
        {
          value: names.length === 0 ? 'all there' : `missing: ${toShortList(names, 6)}`,
          whole: names.join(', '),
          threshold: 'all there',
          why: 'Setting up, RKE2 or Cilium call these programs.',
          fix: `Install what is missing with the package manager: ${names.slice(0, 6).join(' ')}`,
        },
      );
    },
  },
  {
    id: 'selinux',
    title: 'SELinux',
    group: 'software',
    source: PREFLIGHT,
    check: checkSelinux,
  },
  {
    id: 'inotify',
    title: 'inotify limits',
    group: 'software',
    source: 'RKE2 docs known_issues',
    needs: ['survey'],
    check: checkInotify,
  },
  {
    id: 'cis',
    title: 'CIS profile',
    group: 'software',
    source: 'RKE2 docs security/hardening_guide',
    needs: ['survey'],
    check: checkCis,
  },
  {
    id: 'images',
    title: 'Image bundles',
    group: 'software',
    source: 'RKE2 docs install/airgap',
    needs: ['survey'],
    check: ({ node, survey }) => {
      if (!isClusterNode(node) || !survey) return null;
      const bundles = survey.images.filter((name) => /^rke2-images[-.].*\.tar(\.|$)/.test(name));
      const isMissing = bundles.length > 0 && !bundles.some((name) => name.startsWith('rke2-images-cilium.'));
      return toFinding(isMissing ? 'warn' : 'ok', {
        value: bundles.length === 0 ? 'none yet' : isMissing ? 'none for Cilium' : toShortList(bundles, 2),
        threshold: 'none, or core and Cilium',
        why: 'The bundle of the default name holds another network’s images; without the internet Cilium would not start.',
        fix: 'Place rke2-images-core and rke2-images-cilium of this version and architecture in /var/lib/rancher/rke2/agent/images.',
      });
    },
  },
  {
    id: 'proxy',
    title: 'Proxy',
    group: 'software',
    source: 'RKE2 docs advanced (HTTP proxy)',
    needs: ['survey'],
    check: checkProxy,
  },
];

/** The facts name what an enforcing host allows, by `lib/health/facts-script.ts`. */
function checkSelinux({ node, facts }: CheckContext) {
  const isEnforcing = facts.selinux.startsWith('enforcing');
  const allows = (what: string) => !isEnforcing || facts.selinux.includes(what);
  if (isClusterNode(node))
    return toFinding(allows('with rke2-selinux') ? 'ok' : 'fail', {
      value: facts.selinux,
      threshold: 'not enforcing, or with rke2-selinux',
      why: 'Enforcing without the rke2-selinux policy stops containers.',
      fix: 'Install the packages rke2-selinux and container-selinux.',
    });
  return toFinding(allows('with nginx ports') ? 'ok' : 'fail', {
    value: facts.selinux,
    threshold: 'not enforcing, or with nginx on 6443 and 9345',
    why: 'An enforcing host lets nginx neither listen on 6443 and 9345 nor connect to the servers.',
    fix: 'semanage port -a -t http_port_t -p tcp 6443 && semanage port -a -t http_port_t -p tcp 9345 && setsebool -P httpd_can_network_connect on',
  });
}

/** Too low is only told where our settings are in place: before that the plan raises them. */
function checkInotify({ node, facts, survey }: CheckContext) {
  if (!isClusterNode(node) || !survey) return null;
  const low = Object.entries(INOTIFY).filter(([name, good]) => Number(survey.sysctls[name] ?? good) < good);
  const isPlaced = facts.files[SYSCTL_PATH] != null;
  const value = low.map(([name]) => `${name.split('.').at(-1)} ${survey.sysctls[name]}`).join(', ');
  return toFinding(low.length > 0 && isPlaced ? 'warn' : 'ok', {
    value: low.length === 0 ? 'high enough' : isPlaced ? value : `${value}; the plan raises them`,
    threshold: 'instances 8192, watches 524288',
    why: 'Many pods on a host use them up, and then programs cannot watch files any more.',
    fix: `Another file in /etc/sysctl.d lowers them again: grep -r inotify /etc/sysctl.conf /etc/sysctl.d, then sysctl --system`,
  });
}

/** Before the first plan nothing is wrong: it writes the settings and makes the user. */
function checkCis({ topology, node, facts, survey }: CheckContext) {
  if (!isClusterNode(node) || !survey || !topology.security.cisProfile) return null;
  const isPlaced = facts.files[SYSCTL_PATH] != null;
  const wrong = Object.entries(CIS).filter(([name, good]) => survey.sysctls[name] !== good);
  const hasNoUser = node.role === 'server' && !survey.hasEtcdUser && facts.files[ETCD_USER_PATH] != null;
  const parts = [
    ...(hasNoUser ? ['no user etcd'] : []),
    ...(isPlaced ? wrong.map(([name]) => `${name} ${survey.sysctls[name] ?? 'unknown'}`) : []),
  ];
  return toFinding(parts.length > 0 ? 'fail' : 'ok', {
    value: parts.length > 0 ? parts.join(', ') : 'met, or made by the plan',
    threshold: 'user etcd on servers, kernel settings of the profile',
    why: 'With the CIS profile RKE2 refuses to start without them.',
    fix: hasNoUser
      ? 'useradd --system --no-create-home --shell /sbin/nologin --user-group etcd'
      : 'sysctl --system, and look which file in /etc/sysctl.d sets other values',
  });
}

/** Everything of the cluster that must not go through a proxy, by what NO_PROXY names or covers. */
function checkProxy({ topology, node, survey }: CheckContext) {
  if (!isClusterNode(node) || !survey) return null;
  const { clusterCidr, serviceCidr, clusterDomain } = topology.network;
  const named = new Set(survey.noProxy.map((entry) => entry.replace(/^\*?\.?/, '')));
  const wanted = [clusterCidr, serviceCidr, clusterDomain, 'svc'];
  const missing =
    survey.proxies.length === 0 || named.has('') ? [] : wanted.filter((entry) => !named.has(entry));
  return toFinding(missing.length > 0 ? 'fail' : 'ok', {
    value:
      survey.proxies.length === 0
        ? 'none'
        : missing.length > 0
          ? `NO_PROXY lacks ${missing.join(', ')}`
          : 'NO_PROXY is whole',
    threshold: 'none, or NO_PROXY with pods, services and cluster names',
    why: 'Without these entries the node sends its own cluster’s traffic to the proxy.',
    fix: `Add to NO_PROXY in /etc/default/rke2-${node.role}: ${wanted.join(',')},.svc,.${clusterDomain} and the node network`,
  });
}

const identityChecks: readonly CheckDefinition[] = [
  {
    id: 'hostname',
    title: 'Host name',
    group: 'software',
    source: 'RKE2 docs install/requirements; rke2 issue 616',
    needs: ['all-facts'],
    check: ({ node, facts, all }) => {
      const twins = all.filter(
        ({ hostname, nodeId }) => hostname === facts.hostname && nodeId !== facts.nodeId,
      );
      const isFine = HOSTNAME.test(facts.hostname) && twins.length === 0;
      return toFinding(isFine ? 'ok' : 'warn', {
        value: facts.hostname || 'none',
        threshold: 'unique, lowercase letters, digits, dashes',
        why:
          twins.length > 0
            ? `${toCount(twins.length, 'other host')} of this site has the same name; the cluster uses ${node.name}, people and logs do not.`
            : 'Logs and other tools use the host name; Kubernetes refuses capitals and underscores.',
        fix: `hostnamectl set-hostname ${node.name}`,
      });
    },
  },
  {
    id: 'machine-id',
    title: 'Machine id',
    group: 'software',
    source: 'systemd machine-id(5)',
    needs: ['all-facts'],
    check: ({ facts, all }) => {
      const twins = all.filter(
        ({ machineId, nodeId }) => machineId === facts.machineId && nodeId !== facts.nodeId,
      );
      return toFinding(facts.machineId === '' ? 'warn' : twins.length > 0 ? 'fail' : 'ok', {
        value: facts.machineId === '' ? 'none' : twins.length > 0 ? 'same as another host' : 'unique',
        threshold: 'unique',
        why: 'Hosts cloned from one image share it, or the same host stands twice in the list.',
        fix: 'rm /etc/machine-id && systemd-machine-id-setup, then reboot; or remove the host that is listed twice',
      });
    },
  },
  {
    id: 'leftovers',
    title: 'Earlier clusters',
    group: 'software',
    source: 'k3s issue 3888; RKE2 docs install/uninstall',
    needs: ['survey'],
    check: checkLeftovers,
  },
  {
    id: 'drop-ins',
    title: 'RKE2 drop-ins',
    group: 'software',
    source: 'rke2 issue 6415',
    check: ({ node, facts }) =>
      isClusterNode(node)
        ? toFinding(facts.dropIns.length === 0 ? 'ok' : 'warn', {
            value: facts.dropIns.length === 0 ? 'none' : facts.dropIns.slice(0, 4).join(', '),
            threshold: 'none',
            why: 'Files in config.yaml.d are read last and silently override what the drawing says.',
            fix: 'Move what is in /etc/rancher/rke2/config.yaml.d elsewhere.',
          })
        : null,
  },
];

/** What stops RKE2 at its start is red; what only lies about is amber. On a host that we installed, nothing is a leftover. */
function checkLeftovers({ topology, node, facts, survey }: CheckContext) {
  const isK3s = facts.units['k3s.service'] !== undefined;
  const left = isOurs(facts) ? [] : (survey?.leftovers ?? []);
  const data = left.filter((path) => path.startsWith('/var/lib/rancher/'));
  const isForeignData = facts.hasEtcdData && !isOurs(facts);
  const isOther = facts.rke2Version !== null && facts.rke2Version !== topology.rke2.version && !isOurs(facts);
  const found = isForeignData
    ? 'etcd data of another cluster'
    : data.length > 0
      ? toShortList(data, 2)
      : left.length > 0
        ? toShortList(left, 2)
        : (facts.rke2Version ?? 'nothing');
  const isBad = isK3s || isForeignData || data.length > 0;
  return toFinding(isBad ? 'fail' : isOther || left.length > 0 ? 'warn' : 'ok', {
    value: isK3s ? 'k3s' : found,
    whole: [isK3s, isForeignData, facts.rke2Version, ...left].join('\n'),
    threshold: 'nothing, or ours',
    why: 'Data that was encrypted with another token stops RKE2 at its start.',
    fix: isK3s
      ? `If it may go, run k3s-uninstall.sh on ${node.name}.`
      : facts.rke2Version === null && (isForeignData || left.length > 0)
        ? `If it may go, remove it on ${node.name} and reboot: ${toPaths(left)}`
        : `If that cluster may go, run rke2-killall.sh and rke2-uninstall.sh on ${node.name} and reboot.`,
  });
}

/** Names from the host, quoted: people copy this into a root shell. */
function toPaths(left: readonly string[]): string {
  const paths = left.filter((path) => path.startsWith('/')).slice(0, 6);
  return (paths.length > 0 ? paths : ['/var/lib/rancher/rke2']).map(quoteShell).join(' ');
}

/** Checks of what is installed on a host, and of who it is. */
export const softwareChecks: readonly CheckDefinition[] = [...programChecks, ...identityChecks];
