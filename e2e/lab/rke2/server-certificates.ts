import { mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCa, ensureLeaf, ensureServiceKey } from './certificates';
import type { LeafSpec } from './certificates';
import type { Layout } from './layout';
import { log } from './log';
import type { Settings } from './settings';

/** The CAs of a cluster, as paths without `.crt`; their files are what a bootstrap hands to the next server. */
export function caPaths(layout: Layout): { path: string; name: string }[] {
  return [
    { path: join(layout.tls, 'server-ca'), name: 'rke2-server-ca' },
    { path: join(layout.tls, 'client-ca'), name: 'rke2-client-ca' },
    { path: join(layout.tls, 'request-header-ca'), name: 'rke2-request-header-ca' },
    { path: join(layout.etcdTls, 'server-ca'), name: 'etcd-server-ca' },
    { path: join(layout.etcdTls, 'peer-ca'), name: 'etcd-peer-ca' },
  ];
}

/** All leaf certificates of a server, under RKE2's names (facts 6). */
export function serverLeaves(settings: Settings, layout: Layout): LeafSpec[] {
  const tls = (name: string) => join(layout.tls, name);
  const clientCa = tls('client-ca');
  const client = (name: string, commonName: string, organization?: string): LeafSpec => ({
    path: tls(name),
    ca: clientCa,
    commonName,
    usages: ['clientAuth'],
    ...(organization === undefined ? {} : { organization }),
  });
  const local = ['127.0.0.1', '::1', 'localhost', settings.nodeName, settings.nodeIp];
  const external = settings.nodeExternalIp === null ? [] : [settings.nodeExternalIp];
  const serviceIp = settings.serviceCidr.replace(/\d+\/.*$/, '1');
  const apiNames = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${settings.clusterDomain}`,
  ];
  const serving = [
    ...apiNames,
    serviceIp,
    ...local,
    ...external,
    settings.advertiseAddress,
    ...settings.tlsSans,
  ];
  const both = ['serverAuth', 'clientAuth'] as const;
  const etcd = (name: string) => join(layout.etcdTls, name);
  return [
    client('client-admin', 'system:admin', 'system:masters'),
    client('client-supervisor', 'system:rke2-supervisor', 'system:masters'),
    client('client-kube-apiserver', 'system:apiserver', 'system:masters'),
    client('client-controller', 'system:kube-controller-manager'),
    client('client-scheduler', 'system:kube-scheduler'),
    client('client-kube-proxy', 'system:kube-proxy'),
    client('client-rke2-controller', 'system:rke2-controller'),
    client('client-rke2-cloud-controller', 'rke2-cloud-controller-manager'),
    {
      path: tls('client-auth-proxy'),
      ca: tls('request-header-ca'),
      commonName: 'system:auth-proxy',
      usages: ['clientAuth'],
    },
    {
      path: tls('serving-kube-apiserver'),
      ca: tls('server-ca'),
      commonName: 'kube-apiserver',
      usages: ['serverAuth'],
      sans: serving,
    },
    {
      path: tls('kube-controller-manager/kube-controller-manager'),
      ca: tls('server-ca'),
      commonName: 'kube-controller-manager',
      usages: ['serverAuth'],
      sans: ['localhost', '127.0.0.1', '::1'],
    },
    {
      path: tls('kube-scheduler/kube-scheduler'),
      ca: tls('server-ca'),
      commonName: 'kube-scheduler',
      usages: ['serverAuth'],
      sans: ['localhost', '127.0.0.1', '::1'],
    },
    {
      path: tls('serving-supervisor'),
      ca: tls('server-ca'),
      commonName: 'rke2',
      organization: 'rke2',
      usages: ['serverAuth'],
      sans: serving,
    },
    { path: etcd('client'), ca: etcd('server-ca'), commonName: 'etcd-client', usages: ['clientAuth'] },
    {
      path: etcd('server-client'),
      ca: etcd('server-ca'),
      commonName: 'etcd-server',
      usages: both,
      sans: [...local, ...external],
    },
    {
      path: etcd('peer-server-client'),
      ca: etcd('peer-ca'),
      commonName: 'etcd-peer',
      usages: both,
      sans: [...local, ...external],
    },
    ...agentLeaves(settings, layout),
  ];
}

/** The certificates of any node's kubelet. */
export function agentLeaves(settings: Settings, layout: Layout): LeafSpec[] {
  const { nodeName, nodeIp } = settings;
  return [
    {
      path: join(layout.agent, 'client-kubelet'),
      ca: join(layout.tls, 'client-ca'),
      commonName: `system:node:${nodeName}`,
      organization: 'system:nodes',
      usages: ['clientAuth'],
    },
    {
      path: join(layout.agent, 'serving-kubelet'),
      ca: join(layout.tls, 'server-ca'),
      commonName: nodeName,
      usages: ['serverAuth'],
      sans: [nodeName, '127.0.0.1', '::1', 'localhost', nodeIp],
    },
  ];
}

/** Brings every CA, key and certificate of this server into the state that a start of RKE2 leaves. */
export function ensureServerCertificates(settings: Settings, layout: Layout, nowMs: number): void {
  for (const folder of [layout.tls, layout.etcdTls, layout.cred])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { path, name } of caPaths(layout)) ensureCa(path, name);
  ensureServiceKey(join(layout.tls, 'service.key'));
  const specs = serverLeaves(settings, layout);
  for (const spec of specs) {
    mkdirSync(join(spec.path, '..'), { recursive: true });
    const outcome = ensureLeaf(spec, nowMs);
    if (outcome === 'renewed') log.info(`certificate CN=${spec.commonName} signed by ${spec.ca}: renewed`);
  }
  for (const name of ['client-ca.crt', 'server-ca.crt']) {
    writeFileSync(join(layout.agent, name), readFileSync(join(layout.tls, name), 'utf8'));
  }
  writeDynamicCertificate(layout);
}

/** RKE2 keeps the certificate of port 9345 as a Secret in this file. */
function writeDynamicCertificate(layout: Layout): void {
  const encode = (path: string) => readFileSync(path).toString('base64');
  const path = join(layout.tls, 'dynamic-cert.json');
  const crt = encode(join(layout.tls, 'serving-supervisor.crt'));
  if (existsSync(path) && readFileSync(path, 'utf8').includes(crt)) return;
  const data = { 'tls.crt': crt, 'tls.key': encode(join(layout.tls, 'serving-supervisor.key')) };
  const secret = {
    kind: 'Secret',
    apiVersion: 'v1',
    type: 'kubernetes.io/tls',
    metadata: { name: 'rke2-serving', namespace: 'kube-system' },
    data,
  };
  writeFileSync(path, JSON.stringify(secret), { mode: 0o600 });
}
