import type { CheckContext, CheckDefinition } from './check-definition';
import { isClusterNode, toFinding, toLevel, toUnknown } from './check-result';

const REQUIREMENTS = 'RKE2 docs install/requirements';
const TEXT = 'architecture text, hardware requirements';

/** Largest difference between two hosts' clocks, milliseconds: warning and failure (RKE2 facts: certificates not yet valid). */
const CLOCK_WARN_MS = 2_000;
const CLOCK_FAIL_MS = 30_000;

const systemChecks: readonly CheckDefinition[] = [
  {
    id: 'architecture',
    title: 'Architecture',
    group: 'machine',
    source: REQUIREMENTS,
    check: ({ node, facts }) =>
      toFinding(facts.arch === node.arch ? 'ok' : 'fail', {
        value: facts.arch || 'unknown',
        threshold: node.arch,
        why: 'RKE2 is built per processor family; the wrong one does not start.',
        fix: `Set the architecture of ${node.name} to what it is (RKE2 has amd64 and arm64).`,
      }),
  },
  {
    id: 'systemd',
    title: 'systemd',
    group: 'machine',
    source: REQUIREMENTS,
    check: ({ facts }) =>
      toFinding(facts.hasSystemd ? 'ok' : 'fail', {
        value: facts.hasSystemd ? 'running' : 'not running',
        threshold: 'running',
        why: 'RKE2 runs as a systemd service.',
        fix: 'Use a host that was booted with systemd.',
      }),
  },
  {
    // 1.18 and newer: Linux 5.10 or RHEL 8.10's 4.18.
    id: 'kernel',
    title: 'Kernel',
    group: 'machine',
    source: 'Cilium docs operations/system_requirements',
    check: ({ node, facts }) => {
      if (!isClusterNode(node)) return null;
      const [major = 0, minor = 0] = facts.kernel.split('.').map((part) => parseInt(part, 10) || 0);
      const isRhel8 = /^4\.18\..*\.el8/.test(facts.kernel);
      return toFinding(major > 5 || (major === 5 && minor >= 10) || isRhel8 ? 'ok' : 'fail', {
        value: facts.kernel || 'unknown',
        threshold: '5.10 or newer',
        why: 'Cilium loads programs into the kernel that older ones refuse.',
        fix: 'Update the distribution, or install its newer kernel, and reboot.',
      });
    },
  },
  {
    id: 'kernel-modules',
    title: 'Kernel modules',
    group: 'machine',
    source: 'RKE2 units; Cilium docs operations/system_requirements',
    needs: ['survey'],
    check: checkModules,
  },
];

function checkModules({ topology, node, survey }: CheckContext) {
  if (!isClusterNode(node) || !survey) return null;
  const { cilium } = topology;
  const wanted = ['overlay', 'br_netfilter'];
  if (cilium.routing === 'tunnel') wanted.push(cilium.tunnelProtocol);
  if (cilium.wireguard) wanted.push('wireguard');
  const inState = (state: string) => wanted.filter((name) => (survey.modules[name] ?? 'unknown') === state);
  const [missing, unknown] = [inState('missing'), inState('unknown')];
  const words = {
    value: missing.length > 0 ? `missing: ${missing.join(', ')}` : wanted.join(', '),
    threshold: wanted.join(', '),
    why: 'containerd and the cluster network need them; without them pods get no network.',
    fix: 'Install the package with the rest of the kernel’s modules (linux-modules-extra, kernel-modules-extra) and reboot.',
  };
  if (missing.length === 0 && unknown.length > 0) {
    const value = `${unknown.join(', ')} not loaded, and this host has no modules of its kernel`;
    return toUnknown({ ...words, value });
  }
  return toFinding(missing.length > 0 ? 'fail' : 'ok', words);
}

const sizeChecks: readonly CheckDefinition[] = [
  {
    id: 'cpus',
    title: 'Cores',
    group: 'machine',
    source: `${REQUIREMENTS}; ${TEXT}`,
    check: ({ node, facts }) => {
      if (!isClusterNode(node)) return null;
      const good = node.role === 'server' ? 4 : 2;
      return toFinding(toLevel(facts.cpus, 2, good), {
        value: String(facts.cpus),
        threshold: good === 2 ? '2 needed' : '2 needed, 4 recommended',
        why: 'The control plane alone asks for most of one core; RKE2 names 2 as its minimum.',
        fix: 'Give the host more cores.',
      });
    },
  },
  {
    id: 'memory',
    title: 'Memory',
    group: 'machine',
    source: `${REQUIREMENTS}; ${TEXT}`,
    check: ({ node, facts }) => {
      if (!isClusterNode(node)) return null;
      // A machine of 4 GB shows less: the kernel keeps some for itself.
      const good = node.role === 'server' ? 7_400 : 3_600;
      return toFinding(toLevel(facts.memoryMiB, 3_600, good), {
        value: `${(facts.memoryMiB / 1_024).toFixed(1)} GiB`,
        threshold: node.role === 'server' ? '4 GB needed, 8 GB recommended' : '4 GB needed',
        why: 'The control plane alone asks for about 2 GiB; below the minimum etcd and the API server are killed.',
        fix: 'Give the host more memory.',
      });
    },
  },
  {
    id: 'swap',
    title: 'Swap',
    group: 'machine',
    source: 'RKE2 docs security/cis_self_assessment (fail-swap-on=false)',
    check: ({ node, facts }) =>
      isClusterNode(node)
        ? toFinding(facts.swapMiB === 0 ? 'ok' : 'warn', {
            value: facts.swapMiB === 0 ? 'off' : `${facts.swapMiB} MiB`,
            threshold: 'off',
            why: 'RKE2 starts with swap on, but etcd waits for a slow disk when its memory is swapped out.',
            fix: 'swapoff -a, and take the swap line out of /etc/fstab',
          })
        : null,
  },
];

export const timeChecks: readonly CheckDefinition[] = [
  {
    id: 'clock',
    title: 'Clock',
    group: 'time',
    source: 'rancher/rke issue 1123',
    needs: ['all-facts'],
    check: (context) => {
      const skewMs = Math.abs(context.facts.clockOffsetMs - toReferenceMs(context));
      const status = skewMs > CLOCK_FAIL_MS ? 'fail' : skewMs > CLOCK_WARN_MS ? 'warn' : 'ok';
      return toFinding(status, {
        // Whole seconds in red: the same wrong clock gives the same words twice.
        value: `${(status === 'fail' ? Math.round(skewMs / 1_000) : skewMs / 1_000).toFixed(1)} s off`,
        threshold: `under ${CLOCK_WARN_MS / 1_000} s`,
        why: 'With clocks apart a fresh certificate is not valid yet on the other host.',
        fix: 'timedatectl set-ntp true',
      });
    },
  },
  {
    id: 'clock-sync',
    title: 'Time service',
    group: 'time',
    source: 'rancher/rke issue 1123',
    needs: ['survey'],
    check: ({ survey }) => {
      if (!survey) return null;
      const words = {
        value: survey.ntp,
        threshold: 'synchronised',
        why: 'Clocks that agree now drift apart without a time service.',
        fix: 'Name a time server in systemd-timesyncd or chrony, then: timedatectl set-ntp true',
      };
      if (survey.ntp === 'unknown') return toUnknown({ ...words, value: 'timedatectl gives no answer' });
      return toFinding(survey.ntp === 'synchronised' ? 'ok' : 'warn', words);
    },
  },
];

/**
 * What a host's clock is compared with, as an offset: the other host of two, the middle one of more; the worker's own
 * clock only for a single host, because it may be the wrong one.
 */
function toReferenceMs({ facts, all }: CheckContext): number {
  if (all.length === 2) return all.find(({ nodeId }) => nodeId !== facts.nodeId)?.clockOffsetMs ?? 0;
  const offsets = all.map(({ clockOffsetMs }) => clockOffsetMs).sort((a, b) => a - b);
  return all.length > 2 ? (offsets[Math.floor(offsets.length / 2)] ?? 0) : 0;
}

/** Checks of the machine and its clock. */
export const hostChecks: readonly CheckDefinition[] = [...systemChecks, ...sizeChecks];
