import { readFile } from 'node:fs/promises';
import type { Lab, LabHost } from '@/e2e/lab/lab';
import { NodeId, SecretId, SiteId } from '@/lib/core/ids';
import { buildPlan } from '@/lib/plan/build-plan';
import { planWrites } from '@/lib/plan/plan-writes';
import { readFacts } from '@/lib/provision/read-facts';
import { connectHost } from '@/lib/ssh/connect-host';
import { scanHostKey } from '@/lib/ssh/scan-host-key';
import { RIG_POLICY, type RigHost } from '@/lib/testing/engine-rig';
import type { TestStep } from '@/lib/testing/ledger-step';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';
import type { PlanCase } from './plan-cases';

const SITE = SiteId.parse('site-drivers');
const NODE = NodeId.parse('n-0');
const SERVER_TOKEN = { id: SecretId.parse('sec-join'), version: 1 };

/** Values by secret id, as the drivers take them. */
export const DRIVER_SECRETS = { [SERVER_TOKEN.id]: 'a-join-token-of-more-than-32-characters' };

/** A lab host as the engine takes it: root by key, its host key pinned. */
export async function toRigHost(host: LabHost): Promise<RigHost> {
  const endpoint = { name: host.name, address: host.address, port: host.port };
  const key = await scanHostKey(endpoint, { policy: RIG_POLICY });
  if (key.fingerprint !== host.hostKeyFingerprint) throw new Error(`${host.name} shows another key`);
  const privateKey = await readFile(host.privateKeyPath, 'utf8');
  const target = {
    ...endpoint,
    user: host.user,
    auth: { kind: 'key', privateKey },
    sudo: 'none',
    hostKey: { pinned: [key] },
  } as const;
  return { nodeId: NODE, target, root: '' };
}

/** The steps of a case for one host: planned from its facts as they are now, or the case's own. */
export async function planCase(
  planCase: PlanCase,
  host: RigHost,
  mirrorUrl: string,
): Promise<readonly TestStep[]> {
  const { name, address } = host.target;
  if (planCase.steps) return planCase.steps({ nodeId: NODE, name, address });
  const topology = planCase.toTopology(
    Topology.parse({
      ...toDefaultTopology('custom', [{ id: NODE, name, internalIp: address }]),
      rke2: { artifacts: { from: 'mirror', url: mirrorUrl } },
      security: { serverToken: SERVER_TOKEN },
    }),
  );
  const connection = await connectHost(host.target, { policy: RIG_POLICY });
  const shell = connection.openShell();
  try {
    const paths = planWrites(topology).get(NODE) ?? [];
    const knownSecrets = [{ ref: SERVER_TOKEN, value: DRIVER_SECRETS[SERVER_TOKEN.id] ?? '' }];
    const facts = await readFacts(shell, { nodeId: NODE, host: name, paths, knownSecrets, nowMs: Date.now });
    const { steps } = buildPlan({ siteId: SITE, topology, revision: 1, kind: planCase.kind, facts: [facts] });
    const indexes = new Map(steps.map(({ id }, index) => [id, index]));
    return steps.map(({ nodeId, kind, params, dependsOn }) => ({
      nodeId,
      kind,
      params,
      dependsOn: dependsOn.flatMap((id) => indexes.get(id) ?? []),
    }));
  } finally {
    shell.close();
    connection.close();
  }
}

/** What differs between the hosts of a lab and stands in files and output, and what stands for it. */
export function toStands(lab: Lab, { target }: RigHost): Readonly<Record<string, string>> {
  return { [target.name]: 'HOST', [target.address]: 'ADDRESS', [lab.gateway]: 'GATEWAY' };
}
