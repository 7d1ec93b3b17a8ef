import { join } from 'node:path';

/** Where RKE2 keeps things below its data folder (RKE2 docs cluster_access, reference/cli_tools; facts 1.2, 6). */
export function toLayout(dataDir: string) {
  const server = join(dataDir, 'server');
  const agent = join(dataDir, 'agent');
  return {
    dataDir,
    bin: join(dataDir, 'bin'),
    versions: join(dataDir, 'data'),
    server,
    tls: join(server, 'tls'),
    etcdTls: join(server, 'tls', 'etcd'),
    cred: join(server, 'cred'),
    manifests: join(server, 'manifests'),
    db: join(server, 'db'),
    etcdDir: join(server, 'db', 'etcd'),
    tombstone: join(server, 'db', 'etcd', 'tombstone'),
    resetFlag: join(server, 'db', 'reset-flag'),
    snapshots: join(server, 'db', 'snapshots'),
    token: join(server, 'token'),
    nodeToken: join(server, 'node-token'),
    agentToken: join(server, 'agent-token'),
    agent,
    agentEtc: join(agent, 'etc'),
    podManifests: join(agent, 'pod-manifests'),
    agentLogs: join(agent, 'logs'),
    kubeletConfig: join(agent, 'etc', 'kubelet-stand-in.json'),
  };
}

export type Layout = ReturnType<typeof toLayout>;

/** Where the running pods' shims are remembered; below /run, so that a reboot forgets them. */
export const runDir = '/run/k3s/containerd';
/** Marks every Kubernetes object that the stand-in makes up. */
export const standInAnnotation = { 'siteplan.lab/stand-in': 'true' };
