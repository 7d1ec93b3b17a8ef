import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client';
import type { ApiObject, Condition } from './api-object';
import { kinds } from './api-resources';
import type { EtcdClient } from './etcd-client';
import { log, toMessage } from './log';
import { isLeader, listMembers, nodeOfMember, promoteMember, removeMember } from './members';
import { etcdFinalizer, nodeFinalizer } from './node-object';
import { nodePasswordSecret } from './node-password';

const everyMs = 1_000;
const removeAnnotation = 'etcd.rke2.cattle.io/remove';
const removedAnnotation = 'etcd.rke2.cattle.io/removed-node-name';

/**
 * What a server does for the cluster's membership as long as it runs: promotes learners while its own member leads,
 * and removes the members and node passwords of deleted nodes (k3s pkg/etcd, pkg/node; facts 3.2, 3.4).
 */
export async function keepMembership(etcd: EtcdClient, client: ApiClient): Promise<never> {
  let lastProblem = '';
  for (;;) {
    try {
      if (await isLeader(etcd)) {
        await promoteLearners(etcd);
        await markVoters(etcd, client);
      }
      for (const node of await client.list(kinds.node, null)) await settleNode(etcd, client, node);
      lastProblem = '';
    } catch (error) {
      const problem = toMessage(error);
      if (problem !== lastProblem) log.warn(`etcd membership: ${problem}`);
      lastProblem = problem;
    }
    await delay(everyMs);
  }
}

async function promoteLearners(etcd: EtcdClient): Promise<void> {
  // One that has never started has no name; it cannot be in sync.
  const ready = (await listMembers(etcd)).filter((member) => member.isLearner && member.name !== '');
  for (const learner of ready) {
    await promoteMember(etcd, learner.id).then(
      () => log.info(`Learner ${learner.name} promoted to voting member`),
      (error: unknown) => log.info(`Learner ${learner.name} not promoted yet: ${toMessage(error)}`),
    );
  }
}

/** The Node's condition `EtcdIsVoter`, by which one sees that the next server may join (k3s pkg/etcd/etcd.go). */
async function markVoters(etcd: EtcdClient, client: ApiClient): Promise<void> {
  const members = await listMembers(etcd);
  for (const node of await client.list(kinds.node, null)) {
    const member = members.find(({ name }) => nodeOfMember(name) === node.metadata.name);
    if (member === undefined) continue;
    const status = member.isLearner ? 'False' : 'True';
    const before = (node.status?.['conditions'] ?? []) as Condition[]; // written by the kubelet and here
    if (before.find(({ type }) => type === 'EtcdIsVoter')?.status === status) continue;
    const condition: Condition = {
      type: 'EtcdIsVoter',
      status,
      reason: member.isLearner ? 'MemberIsLearner' : 'MemberNotLearner',
      message: `Node is a ${member.isLearner ? 'learner' : 'voting member'} of the etcd cluster`,
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const conditions = [...before.filter(({ type }) => type !== 'EtcdIsVoter'), condition];
    await client.patch(kinds.node, null, node.metadata.name, { status: { conditions } });
  }
}

async function settleNode(etcd: EtcdClient, client: ApiClient, node: ApiObject): Promise<void> {
  const { name, annotations = {}, deletionTimestamp } = node.metadata;
  const finalizers = (node.metadata['finalizers'] ?? []) as string[];
  if (deletionTimestamp !== undefined && finalizers.length > 0) {
    if (finalizers.includes(etcdFinalizer)) await removeMembersOf(etcd, name);
    if (finalizers.includes(nodeFinalizer))
      await client.remove(kinds.secret, 'kube-system', nodePasswordSecret(name));
    const others = finalizers.filter((item) => item !== etcdFinalizer && item !== nodeFinalizer);
    await client.patch(kinds.node, null, name, { metadata: { finalizers: others } });
  } else if (annotations[removeAnnotation] === 'true' && annotations[removedAnnotation] === undefined) {
    const removed = await removeMembersOf(etcd, name);
    const change = { annotations: { [removeAnnotation]: null, [removedAnnotation]: removed ?? name } };
    await client.patch(kinds.node, null, name, { metadata: change });
  }
}

/** Returns the name of the member that was removed, or null when the node had none. */
async function removeMembersOf(etcd: EtcdClient, nodeName: string): Promise<string | null> {
  const member = (await listMembers(etcd)).find((candidate) => nodeOfMember(candidate.name) === nodeName);
  if (member === undefined) return null;
  log.info(`Removing name=${member.name} id=${member.id} address=${member.peerUrls.join()} from etcd`);
  await removeMember(etcd, member.id);
  return member.name;
}
