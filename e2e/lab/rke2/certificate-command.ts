import { cpSync, existsSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { readLeaf } from './certificates';
import type { LeafSpec } from './certificates';
import { parseCommandOptions } from './command-options';
import type { Layout } from './layout';
import { log } from './log';
import { printTable } from './print-table';
import { serverLeaves } from './server-certificates';
import type { Settings } from './settings';

const dayMs = 86_400_000;

/** Which certificates belong to a service, as names below `server/tls` or `agent` (facts 6). */
const services: Record<string, readonly string[]> = {
  admin: ['client-admin'],
  'api-server': ['client-kube-apiserver', 'serving-kube-apiserver'],
  'controller-manager': ['client-controller', 'kube-controller-manager/kube-controller-manager'],
  scheduler: ['client-scheduler', 'kube-scheduler/kube-scheduler'],
  'rke2-controller': ['client-rke2-controller'],
  'rke2-server': ['client-supervisor', 'serving-supervisor'],
  'cloud-controller': ['client-rke2-cloud-controller'],
  etcd: ['etcd/client', 'etcd/server-client', 'etcd/peer-server-client'],
  'auth-proxy': ['client-auth-proxy'],
  kubelet: ['client-kubelet', 'serving-kubelet'],
  'kube-proxy': ['client-kube-proxy'],
};

/** `rke2 certificate check|rotate`, on servers and agents. Throws the sentence to end with. */
export function runCertificate(argv: readonly string[], settings: Settings, layout: Layout): void {
  const [action = '', ...more] = argv;
  const { flags } = parseCommandOptions(more, ['service', 's', 'output', 'o', 'data-dir', 'd']);
  const leaves = serverLeaves(settings, layout).filter((spec) => existsSync(`${spec.path}.crt`));
  if (action === 'check') return check(leaves);
  if (action === 'rotate') return rotate(leaves, flags.get('service') ?? flags.get('s') ?? null, layout);
  throw new Error(`certificate ${action}: this stand-in can only check and rotate`);
}

/** Every leaf with its end and whether the next start will renew it. */
function check(leaves: readonly LeafSpec[]): void {
  const now = Date.now();
  const rows = leaves.flatMap((spec) => {
    const certificate = readLeaf(`${spec.path}.crt`);
    if (certificate === null) return [];
    const restDays = Math.floor((Date.parse(certificate.validTo) - now) / dayMs);
    const status = restDays < 0 ? 'EXPIRED' : restDays < 120 ? 'WARNING' : 'OK';
    const expires = new Date(certificate.validTo).toISOString().replace(/\.\d+Z$/, 'Z');
    const file = `${basename(spec.path)}.crt`;
    return [[file, `CN=${spec.commonName}`, spec.usages.join(','), expires, `${restDays} days`, status]];
  });
  printTable([['FILENAME', 'SUBJECT', 'USAGES', 'EXPIRES', 'RESIDUAL TIME', 'STATUS'], ...rows]);
}

/** Takes certificates and keys away, after a copy of the folder: the next start makes new ones of both. */
function rotate(leaves: readonly LeafSpec[], names: string | null, layout: Layout): void {
  const chosen = names === null ? Object.keys(services) : names.split(',');
  const unknown = chosen.find((name) => services[name] === undefined);
  if (unknown !== undefined) throw new Error(`${unknown} is not a recognized service`);
  const files = chosen.flatMap((name) => services[name] ?? []);
  const nameOf = (spec: LeafSpec) =>
    spec.path.startsWith(layout.tls) ? relative(layout.tls, spec.path) : basename(spec.path);
  if (existsSync(layout.tls)) {
    const backup = join(layout.server, `tls-${Math.floor(Date.now() / 1000)}`);
    cpSync(layout.tls, backup, { recursive: true });
    log.info(`Backing up certificates directory to ${backup}`);
  }
  for (const spec of leaves.filter((candidate) => files.includes(nameOf(candidate)))) {
    log.info(`Rotating certificate ${spec.path}.crt`);
    for (const ending of ['crt', 'key']) rmSync(`${spec.path}.${ending}`, { force: true });
  }
  log.info(
    'Successfully rotated certificates for all services, please restart rke2 server or agent to rotate the certificates',
  );
}
