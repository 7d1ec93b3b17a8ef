import type { CheckDefinition, DiskSpeed } from './check-definition';
import { isClusterNode, toFinding, toLevel, toUnknown } from './check-result';

const TEXT = 'architecture text, hardware requirements';
/** etcd's own word for a disk that is fast enough (etcd docs op-guide/hardware: p99 of fdatasync). */
const SYNC_GOOD_MS = 10;
/** RKE2 passes 500 ms to etcd: a disk slower than a heartbeat loses the leader. */
const HEARTBEAT_MS = 500;
/** A machine of 50 GB (20 GB) shows less: GB are no GiB, and file systems keep some. */
const SERVER_SIZE_GIB = 44;
const AGENT_SIZE_GIB = 17;
const NETWORK_FILE_SYSTEMS = /^(nfs|nfs4|cifs|smb3|ceph|glusterfs|fuse\.sshfs|9p)$/;

/** Checks of the disk below /var/lib, where images, containers and etcd live. */
export const diskChecks: readonly CheckDefinition[] = [
  {
    id: 'disk',
    title: 'Free space',
    group: 'disk',
    source: 'RKE2 facts, preflight of slow disks',
    check: ({ node, facts }) => {
      if (!isClusterNode(node)) return null;
      const status = toLevel(facts.dataFreeGiB, 10, 20);
      return toFinding(status, {
        // Halves in red: the same full disk gives the same words twice.
        value: `${status === 'fail' ? Math.floor(facts.dataFreeGiB * 2) / 2 : facts.dataFreeGiB} GiB`,
        threshold: '10 GiB needed, 20 GiB recommended',
        why: 'Images, containers and etcd live below /var/lib; a full disk stops etcd.',
        fix: 'Free or add space on the file system of /var/lib.',
      });
    },
  },
  {
    id: 'disk-size',
    title: 'Disk size',
    group: 'disk',
    source: TEXT,
    needs: ['survey'],
    check: ({ node, survey }) => {
      if (!isClusterNode(node) || !survey) return null;
      const [good, words] = node.role === 'server' ? [SERVER_SIZE_GIB, '50 GB'] : [AGENT_SIZE_GIB, '20 GB'];
      const size = survey.dataTotalGiB;
      const rest = {
        threshold: `${words} recommended`,
        why: 'Images of several versions, logs and etcd’s snapshots add up over a year.',
        fix: 'Give the file system of /var/lib more space.',
      };
      if (size === 0) return toUnknown({ ...rest, value: 'df gives no answer' });
      return toFinding(size < good ? 'warn' : 'ok', { ...rest, value: `${size} GiB` });
    },
  },
  {
    id: 'disk-kind',
    title: 'Disk kind',
    group: 'disk',
    source: `${TEXT}; RKE2 docs install/requirements`,
    needs: ['survey'],
    check: ({ node, survey }) => {
      if (!isClusterNode(node) || !survey) return null;
      const words = {
        value: survey.isRotational ? 'rotational' : 'SSD',
        threshold: 'SSD',
        why: 'etcd waits for the disk with every write, and a turning disk takes milliseconds for each.',
        fix: 'Move /var/lib/rancher to an SSD.',
      };
      if (survey.isRotational === null)
        return toUnknown({
          ...words,
          value: `no disk seen behind ${survey.dataMount?.source ?? '/var/lib'}`,
        });
      return toFinding(survey.isRotational ? 'warn' : 'ok', words);
    },
  },
  {
    id: 'disk-sync',
    title: 'Synced writes',
    group: 'disk',
    source: 'etcd docs op-guide/hardware; k3s issue 2853',
    needs: ['disk-speed'],
    check: ({ topology, node, diskSpeed }) => {
      if (node.role !== 'server' || !diskSpeed) return null;
      return judgeSpeed(diskSpeed, topology.etcd.heartbeatIntervalMs ?? HEARTBEAT_MS);
    },
  },
  {
    id: 'mount',
    title: 'Mount options',
    group: 'disk',
    source: 'RKE2 facts, runner-ups of preflight',
    needs: ['survey'],
    check: ({ node, survey }) => {
      if (!isClusterNode(node) || !survey) return null;
      const { dataMount } = survey;
      const words = {
        threshold: 'exec, on a disk of the host',
        why: 'RKE2 runs programs from below /var/lib/rancher, and etcd loses data on network file systems.',
        fix: 'Mount the file system of /var/lib without noexec, from a disk of the host.',
      };
      if (!dataMount) return toUnknown({ ...words, value: 'findmnt gives no answer' });
      const isNoexec = dataMount.options.includes('noexec');
      const isRemote = NETWORK_FILE_SYSTEMS.test(dataMount.fsType);
      const isReadOnly = dataMount.options.includes('ro');
      const bad = [isNoexec && 'noexec', isReadOnly && 'read-only', isRemote && dataMount.fsType].filter(
        Boolean,
      );
      return toFinding(bad.length > 0 ? 'fail' : 'ok', {
        ...words,
        value: bad.length > 0 ? `${bad.join(', ')} at ${dataMount.path}` : dataMount.fsType,
      });
    },
  },
];

/**
 * 10 ms is amber; red is only a disk that is slower than etcd's heartbeat. Red figures are cut down to a power of two,
 * so that the same disk gives the same words twice.
 */
function judgeSpeed(speed: DiskSpeed, heartbeatMs: number) {
  const words = {
    threshold: `99 of 100 within ${SYNC_GOOD_MS} ms`,
    why: 'etcd waits for each write; a slow disk makes servers lose the leader under load.',
    fix: 'Put /var/lib/rancher on a local SSD that nothing else keeps busy, then check again.',
  };
  if ('unknown' in speed) return toUnknown({ ...words, value: speed.unknown });
  const { p99Ms, isUpperBound, writes } = speed;
  const shown = p99Ms < SYNC_GOOD_MS ? p99Ms.toFixed(1) : String(Math.round(p99Ms));
  // With the start of a program in each write a slow figure says nothing about the disk.
  if (isUpperBound && p99Ms >= SYNC_GOOD_MS)
    return toUnknown({ ...words, value: `at most ${shown} ms; neither Python nor Perl to measure better` });
  if (p99Ms >= heartbeatMs)
    return toFinding('fail', { ...words, value: `over ${2 ** Math.floor(Math.log2(p99Ms))} ms` });
  return toFinding(p99Ms < SYNC_GOOD_MS ? 'ok' : 'warn', {
    ...words,
    value: `${isUpperBound ? 'at most ' : ''}${shown} ms (${writes} writes)`,
  });
}
