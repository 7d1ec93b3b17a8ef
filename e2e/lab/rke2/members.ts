import type { EtcdClient } from './etcd-client';

/** A member of the etcd cluster; one that has never started has no name yet. */
export interface EtcdMember {
  id: string;
  name: string;
  peerUrls: string[];
  clientUrls: string[];
  isLearner: boolean;
}

interface WireMember {
  ID: string;
  name?: string;
  peerURLs?: string[];
  clientURLs?: string[];
  isLearner?: boolean;
}

/** The members as the member behind `etcd` knows them. Rejects without quorum. */
export async function listMembers(etcd: EtcdClient): Promise<EtcdMember[]> {
  // The gateway's answer has the shape of etcd's MemberListResponse.
  const answer = (await etcd.call('cluster/member/list', {})) as { members?: WireMember[] };
  return (answer.members ?? []).map((member) => ({
    id: member.ID,
    name: member.name ?? '',
    peerUrls: member.peerURLs ?? [],
    clientUrls: member.clientURLs ?? [],
    isLearner: member.isLearner === true,
  }));
}

/** Rejects with etcd's own `too many learner members in cluster` while another one is joining. */
export async function addLearner(etcd: EtcdClient, peerUrl: string): Promise<void> {
  await etcd.call('cluster/member/add', { peerURLs: [peerUrl], isLearner: true });
}

/** Rejects until the learner has caught up with the leader. */
export async function promoteMember(etcd: EtcdClient, id: string): Promise<void> {
  await etcd.call('cluster/member/promote', { ID: id });
}

/** A member that is gone already counts as removed. */
export async function removeMember(etcd: EtcdClient, id: string): Promise<void> {
  await etcd.call('cluster/member/remove', { ID: id }).catch((error: unknown) => {
    if (!String(error).includes('member not found')) throw error;
  });
}

/** Whether the member behind `etcd` leads the cluster. */
export async function isLeader(etcd: EtcdClient): Promise<boolean> {
  const answer = (await etcd.call('maintenance/status', {})) as {
    leader?: string;
    header?: { member_id?: string };
  };
  return answer.leader !== undefined && answer.leader === answer.header?.member_id;
}

/** The node that a member belongs to: its name without the hyphen and eight hex digits (facts 3.2). */
export function nodeOfMember(memberName: string): string {
  const at = memberName.lastIndexOf('-');
  return at > 1 ? memberName.slice(0, at) : memberName;
}
