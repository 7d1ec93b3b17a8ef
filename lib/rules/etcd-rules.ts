import { toHit, toSetFix } from './rule';
import type { Rule } from './rule';

const BACKUP = 'RKE2 docs datastore/backup_restore';
const CRON_FIELD =
  /^(\*|\d+(-\d+)?|[a-z]{3}(-[a-z]{3})?)(\/\d+)?(,(\*|\d+(-\d+)?|[a-z]{3}(-[a-z]{3})?)(\/\d+)?)*$/i;
const CRON_WORDS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** Backups of the cluster's state. */
export const ETCD_RULES: readonly Rule[] = [
  {
    id: 'snapshots-off',
    severity: 'warning',
    source: BACKUP,
    find: ({ etcd }) =>
      etcd.snapshots.enabled
        ? []
        : [
            toHit(
              ['etcd', 'snapshots', 'enabled'],
              'No snapshots of etcd are taken, so a lost quorum means a new cluster.',
              toSetFix('Take snapshots', ['etcd', 'snapshots', 'enabled'], true),
            ),
          ],
  },
  {
    id: 'snapshots-local-only',
    severity: 'warning',
    source: BACKUP,
    find: ({ etcd: { snapshots } }) =>
      snapshots.enabled && !snapshots.s3
        ? [
            toHit(
              ['etcd', 'snapshots', 's3'],
              'Snapshots stay on the servers’ own disks and are lost with them. Enter an S3 bucket.',
            ),
          ]
        : [],
  },
  {
    id: 'snapshot-schedule',
    severity: 'error',
    source: 'RKE2 docs reference/server_config, etcd-snapshot-schedule-cron',
    find: ({ etcd: { snapshots } }) =>
      !snapshots.enabled || isCron(snapshots.schedule)
        ? []
        : [
            toHit(
              ['etcd', 'snapshots', 'schedule'],
              `“${snapshots.schedule}” is no cron schedule of five fields, such as 0 */12 * * *.`,
              toSetFix('Use 0 */12 * * *', ['etcd', 'snapshots', 'schedule'], '0 */12 * * *'),
            ),
          ],
  },
  {
    id: 'etcd-metrics-open',
    severity: 'info',
    source: 'RKE2 docs reference/server_config, etcd-expose-metrics',
    find: ({ etcd }) =>
      etcd.exposeMetrics
        ? [
            toHit(
              ['etcd', 'exposeMetrics'],
              'etcd’s metrics on 2381 ask nobody for a password, and no firewall of Siteplan narrows who reaches them.',
              toSetFix('Keep them on the host itself', ['etcd', 'exposeMetrics'], false),
            ),
          ]
        : [],
  },
  {
    id: 's3-keys-half',
    severity: 'error',
    source: BACKUP,
    find: ({ etcd: { snapshots } }) => {
      const { s3 } = snapshots;
      if (!s3 || (s3.accessKey === undefined) === (s3.secretKey === undefined)) return [];
      return [
        toHit(
          ['etcd', 'snapshots', 's3'],
          'The S3 bucket has one of access key and secret key; it needs both, or neither where the host itself is allowed in.',
        ),
      ];
    },
  },
];

function isCron(schedule: string): boolean {
  if (CRON_WORDS.has(schedule) || /^@every \S+$/.test(schedule)) return true;
  const fields = schedule.split(' ');
  return fields.length === 5 && fields.every((field) => CRON_FIELD.test(field));
}
