import { compareRke2Versions, findRke2Version, RELEASE_LINES } from './known-releases';
import { toHit, toSetFix } from './rule';
import type { Hit, Rule } from './rule';

const NOTES = 'RKE2 release notes';
const STABLE = RELEASE_LINES.find(({ isStable }) => isStable)?.newest ?? 'v1.35.7+rke2r1';
/** Charts that `disable` knows (RKE2 docs reference/server_config). */
const CHARTS = new Set([
  'rke2-coredns',
  'rke2-metrics-server',
  'rke2-ingress-nginx',
  'rke2-traefik',
  'rke2-snapshot-controller',
  'rke2-snapshot-controller-crd',
  'rke2-runtimeclasses',
]);

/** The RKE2 version and what it brings. */
export const RELEASE_RULES: readonly Rule[] = [
  {
    id: 'version-unknown',
    severity: 'warning',
    source: NOTES,
    find: ({ rke2 }) => {
      const version = findRke2Version(rke2.version);
      if (version && RELEASE_LINES.some(({ minor }) => minor === version.minor)) return [];
      return [
        toHit(
          ['rke2', 'version'],
          `${rke2.version} is of a line that this Siteplan was not made for, so its settings are not checked against it.`,
          toSetFix(`Use ${STABLE}`, ['rke2', 'version'], STABLE),
        ),
      ];
    },
  },
  {
    id: 'version-candidate',
    severity: 'warning',
    source: NOTES,
    find: ({ rke2 }) =>
      findRke2Version(rke2.version)?.candidate == null
        ? []
        : [
            toHit(
              ['rke2', 'version'],
              `${rke2.version} is a release candidate.`,
              toSetFix(`Use ${STABLE}`, ['rke2', 'version'], STABLE),
            ),
          ],
  },
  {
    id: 'version-behind',
    severity: 'info',
    source: NOTES,
    find: ({ rke2 }) => {
      const version = findRke2Version(rke2.version);
      const newest = RELEASE_LINES.find(({ minor }) => minor === version?.minor)?.newest;
      const newestVersion = newest === undefined ? null : findRke2Version(newest);
      if (!version || !newestVersion || compareRke2Versions(version, newestVersion) >= 0) return [];
      return [
        toHit(
          ['rke2', 'version'],
          `${newest} is newer in the same line.`,
          toSetFix(`Use ${newest}`, ['rke2', 'version'], newest),
        ),
      ];
    },
  },
  {
    id: 'channel-mismatch',
    severity: 'warning',
    source: 'RKE2 docs upgrades/manual (channels)',
    find: ({ rke2 }) => {
      const line = /^v1\.(\d+)$/.exec(rke2.channel ?? '');
      const version = findRke2Version(rke2.version);
      if (!line || Number(line[1]) === version?.minor) return [];
      return [
        toHit(['rke2', 'channel'], `The channel ${rke2.channel} never leads to ${rke2.version}.`, {
          title: 'Leave the channel out',
          edits: [{ op: 'remove', path: ['rke2', 'channel'] }],
        }),
      ];
    },
  },
  {
    id: 'ingress-nginx-ended',
    severity: 'warning',
    source: 'RKE2 docs reference/ingress_migration',
    find: ({ rke2 }) =>
      rke2.ingressController === 'ingress-nginx' && (findRke2Version(rke2.version)?.minor ?? 0) < 37
        ? [
            toHit(
              ['rke2', 'ingressController'],
              'ingress-nginx gets no fixes since March 2026, and RKE2 1.37 drops it.',
              toSetFix('Use Traefik', ['rke2', 'ingressController'], 'traefik'),
            ),
          ]
        : [],
  },
  {
    id: 'ingress-nginx-gone',
    severity: 'error',
    source: 'RKE2 docs reference/ingress_migration',
    find: ({ rke2 }) =>
      rke2.ingressController === 'ingress-nginx' && (findRke2Version(rke2.version)?.minor ?? 0) >= 37
        ? [
            toHit(
              ['rke2', 'ingressController'],
              `${rke2.version} no longer brings ingress-nginx.`,
              toSetFix('Use Traefik', ['rke2', 'ingressController'], 'traefik'),
            ),
          ]
        : [],
  },
  {
    id: 'chart-unknown',
    severity: 'warning',
    source: 'RKE2 docs reference/server_config',
    find: ({ rke2 }) =>
      rke2.disable
        .filter((name) => !CHARTS.has(name))
        .map((name): Hit => {
          const rest = rke2.disable.filter((other) => other !== name);
          return toHit(
            ['rke2', 'disable'],
            `RKE2 has no chart ${name} that can be switched off.`,
            toSetFix(`Leave ${name} out`, ['rke2', 'disable'], rest),
          );
        }),
  },
];
