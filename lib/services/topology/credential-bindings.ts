import { listHops } from '@/lib/topology/list-hops';
import type { Topology } from '@/lib/topology/topology';

/** One use of a credential: which one goes to which address. */
export interface CredentialBinding {
  readonly credentialId: string;
  readonly nodeName: string;
  /** Same text, same use: node id, user, address, port. */
  readonly key: string;
}

/** Every use of a credential that a topology asks for, every hop on the way included. */
export function toCredentialBindings(topology: Topology): CredentialBinding[] {
  return topology.nodes.flatMap((node) => {
    const { ssh } = node;
    const uses = [{ ...ssh, address: ssh.address ?? node.internalIp }, ...listHops(ssh)];
    return uses.flatMap(({ credentialId, user, address, port }) =>
      credentialId
        ? [
            {
              credentialId,
              nodeName: node.name,
              key: `${node.id} ${credentialId} ${user}@${address}:${port}`,
            },
          ]
        : [],
    );
  });
}
