import type { Topology } from '@/lib/topology/topology';

/** One use of a credential: which one goes to which address. */
export interface CredentialBinding {
  readonly credentialId: string;
  readonly nodeName: string;
  /** Same text, same use: node id, user, address, port. */
  readonly key: string;
}

/** Every use of a credential that a topology asks for, bastions included. */
export function toCredentialBindings(topology: Topology): CredentialBinding[] {
  return topology.nodes.flatMap((node) => {
    const { ssh } = node;
    const uses = [{ ...ssh, address: ssh.address ?? node.internalIp }, ...(ssh.bastion ? [ssh.bastion] : [])];
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
