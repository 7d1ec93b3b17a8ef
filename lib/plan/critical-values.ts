/*
 * Values that RKE2 compares between servers, or that a cluster keeps for its life. A server whose values differ is
 * refused by the others with "critical configuration value mismatch", after everything else was done to its host.
 */

/** What holds where the file says nothing (RKE2 docs reference/server_config). Empty: nothing was asked for. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'cluster-cidr': '10.42.0.0/16',
  'service-cidr': '10.43.0.0/16',
  'cluster-domain': 'cluster.local',
  'cluster-dns': '',
  cni: 'canal',
  token: '',
  'agent-token': '',
  'disable-cloud-controller': 'false',
  'disable-kube-proxy': 'false',
  'egress-selector-mode': 'agent',
  'embedded-registry': 'false',
  'enable-servicelb': 'false',
  'servicelb-namespace': '',
  'secrets-encryption-provider': 'aescbc',
  'supervisor-metrics': 'false',
};

/**
 * What no restart changes, whatever the number of servers: networks and CNI stay for the life of a cluster (RKE2 docs
 * networking/basic_network_options), and the token opens what etcd holds (RKE2 docs security/token).
 */
const FIXED: readonly string[] = [
  'cluster-cidr',
  'service-cidr',
  'cluster-domain',
  'cluster-dns',
  'cni',
  'token',
];

/** Not shown: they hold slots of secrets, which say nothing to a reader. */
const SECRET: readonly string[] = ['token', 'agent-token'];

export interface CriticalDifference {
  readonly key: string;
  readonly found: string;
  readonly wanted: string;
  readonly isSecret: boolean;
}

/**
 * Where a running server's config.yaml and the wanted one differ in a value that all servers must share, in the order
 * of the table. With `isAlone` (no other server is there or joins) only what a cluster can never change counts.
 */
export function findCriticalDifferences(
  found: string,
  wanted: string,
  isAlone: boolean,
): readonly CriticalDifference[] {
  const [here, there] = [readValues(found), readValues(wanted)];
  return Object.keys(DEFAULTS)
    .filter((key) => here[key] !== there[key] && (!isAlone || FIXED.includes(key)))
    .map((key) => ({
      key,
      found: here[key] ?? '',
      wanted: there[key] ?? '',
      isSecret: SECRET.includes(key),
    }));
}

/** What stands before the password in a full token; RKE2 compares the password alone (RKE2 docs security/token). */
const PIN = /^K10(?:[0-9a-f]{64}|⟦cluster-ca⟧)::(?:server|node):/;

/** The critical values of a config.yaml: its top-level scalars; a list counts by its first lines' text. */
function readValues(content: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(DEFAULTS).map(([key, usual]) => {
      const value = readTopLevelValue(content, key);
      return [key, (SECRET.includes(key) ? value.replace(PIN, '') : value) || usual];
    }),
  );
}

/** The value of one top-level key of a config.yaml, of a list its items with commas; the last one counts, empty without any. */
export function readTopLevelValue(content: string, wanted: string): string {
  const lines = content.split('\n');
  let value = '';
  for (const [index, line] of lines.entries()) {
    const [, key = '', rest = ''] = /^([a-z][a-z0-9-]*):(?:\s+(.*))?$/.exec(line) ?? [];
    if (key !== wanted) continue;
    value = (rest.trim() === '' ? readList(lines.slice(index + 1)) : toScalar(rest)) || value;
  }
  return value;
}

function readList(lines: readonly string[]): string {
  const items: string[] = [];
  for (const line of lines) {
    const [, item] = /^\s*- +(.*)$/.exec(line) ?? [];
    if (item === undefined) break;
    items.push(toScalar(item));
  }
  return items.join(',');
}

function toScalar(text: string): string {
  const trimmed = text.trim();
  const quoted = /^(?:"([^"]*)"|'([^']*)')/.exec(trimmed);
  return quoted ? (quoted[1] ?? quoted[2] ?? '') : trimmed.replace(/\s+#.*$/, '');
}
