import { HOSTNAME, toCount } from '@/lib/core/text';
import type { CheckDefinition } from './check-definition';
import { toFinding, toLevel } from './check-result';

/** Largest difference between two hosts' clocks, milliseconds: warning and failure (RKE2 facts: certificates not yet valid). */
const CLOCK_WARN_MS = 2_000;
const CLOCK_FAIL_MS = 30_000;
const isClusterNode = (role: string) => role !== 'lb';

const machineChecks: readonly CheckDefinition[] = [
  {
    id: 'architecture',
    title: 'Architecture',
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
    check: ({ facts }) =>
      toFinding(facts.hasSystemd ? 'ok' : 'fail', {
        value: facts.hasSystemd ? 'running' : 'not running',
        threshold: 'running',
        why: 'RKE2 runs as a systemd service.',
        fix: 'Use a host that was booted with systemd.',
      }),
  },
  {
    // Cilium 1.18 and newer: Linux 5.10 or RHEL 8.10's 4.18 (Cilium docs operations/system_requirements).
    id: 'kernel',
    title: 'Kernel',
    check: ({ node, facts }) => {
      if (!isClusterNode(node.role)) return null;
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
    id: 'cpus',
    title: 'Cores',
    check: ({ node, facts }) =>
      isClusterNode(node.role)
        ? toFinding(toLevel(facts.cpus, 2, 4), {
            value: String(facts.cpus),
            threshold: '2 needed, 4 recommended',
            why: 'The control plane alone asks for most of one core; RKE2 names 2 as its minimum.',
            fix: 'Give the host more cores.',
          })
        : null,
  },
  {
    id: 'memory',
    title: 'Memory',
    check: ({ node, facts }) => {
      if (!isClusterNode(node.role)) return null;
      // A machine of 4 GB shows less: the kernel keeps some for itself.
      return toFinding(toLevel(facts.memoryMiB, 3_600, 7_400), {
        value: `${(facts.memoryMiB / 1_024).toFixed(1)} GiB`,
        threshold: '4 GB needed, 8 GB recommended',
        why: 'The control plane alone asks for about 2 GiB; below the minimum etcd and the API server are killed.',
        fix: 'Give the host more memory.',
      });
    },
  },
  {
    id: 'disk',
    title: 'Free space',
    check: ({ node, facts }) => {
      if (!isClusterNode(node.role)) return null;
      return toFinding(toLevel(facts.dataFreeGiB, 10, 20), {
        value: `${facts.dataFreeGiB} GiB`,
        threshold: '10 GiB needed, 20 GiB recommended',
        why: 'Images, containers and etcd live below /var/lib; a full disk stops etcd.',
        fix: 'Free or add space on the file system of /var/lib.',
      });
    },
  },
  {
    id: 'swap',
    title: 'Swap',
    check: ({ node, facts }) =>
      isClusterNode(node.role)
        ? toFinding(facts.swapMiB === 0 ? 'ok' : 'warn', {
            value: facts.swapMiB === 0 ? 'off' : `${facts.swapMiB} MiB`,
            threshold: 'off',
            why: 'RKE2 starts with swap on, but etcd waits for a slow disk when its memory is swapped out.',
            fix: 'swapoff -a, and take the swap line out of /etc/fstab',
          })
        : null,
  },
  {
    id: 'clock',
    title: 'Clock',
    check: ({ facts, all }) => {
      // Against the other hosts where there are any: the worker's own clock may be the wrong one.
      const offsets = all.map(({ clockOffsetMs }) => clockOffsetMs).sort((a, b) => a - b);
      const middle = all.length > 2 ? (offsets[Math.floor(offsets.length / 2)] ?? 0) : 0;
      const skewMs = Math.abs(facts.clockOffsetMs - middle);
      const status = skewMs > CLOCK_FAIL_MS ? 'fail' : skewMs > CLOCK_WARN_MS ? 'warn' : 'ok';
      return toFinding(status, {
        value: `${(skewMs / 1_000).toFixed(1)} s off`,
        threshold: `under ${CLOCK_WARN_MS / 1_000} s`,
        why: 'With clocks apart a fresh certificate is not valid yet on the other host.',
        fix: 'timedatectl set-ntp true',
      });
    },
  },
];

const softwareChecks: readonly CheckDefinition[] = [
  {
    id: 'tools',
    title: 'Programs',
    check: ({ facts }) => {
      const names = facts.missingTools;
      return toFinding(
        names.length === 0 ? 'ok' : names.every((name) => name === 'iptables') ? 'warn' : 'fail',
        {
          value: names.length === 0 ? 'all there' : `missing: ${names.slice(0, 6).join(', ')}`,
          threshold: 'all there',
          why: 'Setting up, RKE2 or Cilium call these programs.',
          fix: `Install what is missing with the package manager: ${names.slice(0, 6).join(' ')}`,
        },
      );
    },
  },
  {
    id: 'hostname',
    title: 'Host name',
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
    check: ({ topology, node, facts }) => {
      const isOurs = facts.stamps['rke2-install'] !== undefined;
      const isK3s = facts.units['k3s.service'] !== undefined;
      const value = isK3s
        ? 'k3s'
        : facts.hasEtcdData && !isOurs
          ? 'etcd data of another cluster'
          : (facts.rke2Version ?? 'nothing');
      const isOther = facts.rke2Version !== null && facts.rke2Version !== topology.rke2.version;
      return toFinding(
        isK3s || (facts.hasEtcdData && !isOurs) ? 'fail' : isOther && !isOurs ? 'warn' : 'ok',
        {
          value,
          threshold: 'nothing, or ours',
          why: 'Data that was encrypted with another token stops RKE2 at its start.',
          fix: isK3s
            ? `If it may go, run k3s-uninstall.sh on ${node.name}.`
            : `If that cluster may go, run rke2-killall.sh and rke2-uninstall.sh on ${node.name} and reboot.`,
        },
      );
    },
  },
  {
    id: 'drop-ins',
    title: 'RKE2 drop-ins',
    check: ({ node, facts }) =>
      isClusterNode(node.role)
        ? toFinding(facts.dropIns.length === 0 ? 'ok' : 'warn', {
            value: facts.dropIns.length === 0 ? 'none' : facts.dropIns.slice(0, 4).join(', '),
            threshold: 'none',
            why: 'Files in config.yaml.d are read last and silently override what the drawing says.',
            fix: 'Move what is in /etc/rancher/rke2/config.yaml.d elsewhere.',
          })
        : null,
  },
  {
    id: 'selinux',
    title: 'SELinux',
    check: ({ node, facts }) =>
      isClusterNode(node.role)
        ? toFinding(facts.selinux === 'enforcing' ? 'fail' : 'ok', {
            value: facts.selinux,
            threshold: 'not enforcing, or with rke2-selinux',
            why: 'Enforcing without the rke2-selinux policy stops containers.',
            fix: 'Install the packages rke2-selinux and container-selinux.',
          })
        : null,
  },
];

/** Checks of the machine and what is installed on it. */
export const hostChecks: readonly CheckDefinition[] = [...machineChecks, ...softwareChecks];
