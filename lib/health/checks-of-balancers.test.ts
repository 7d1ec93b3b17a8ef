import { describe, expect, it } from 'vitest';
import { OURS } from '@/lib/testing/check-site';
import { exampleLayout } from '@/lib/testing/example-layout';
import { makeFacts } from '@/lib/testing/make-facts';
import { checkHosts } from './checks';
import type { NodeFacts } from './facts';

const layout = exampleLayout();

describe('checks of load balancers', () => {
  it('take nginx for their own only where we installed it, and nothing else there', () => {
    const [balancer] = layout.nodes.filter(({ role }) => role === 'lb');
    if (!balancer) throw new Error('no load balancer');
    const judge = (process: string, stamps: NodeFacts['stamps']) =>
      checkHosts(
        layout,
        [
          makeFacts(layout, balancer, {
            listening: [{ protocol: 'tcp', address: '0.0.0.0', port: 6443, process }],
            stamps,
          }),
        ],
        { checkIds: new Set(['ports']) },
      ).map(({ status, value }) => `${status} ${value}`);
    expect(judge('nginx', { 'lb-packages': 'x' })).toEqual(['ok all free']);
    expect(judge('nginx', {})).toEqual(['fail 6443 (nginx)']);
    expect(judge('nginx', OURS)).toEqual(['fail 6443 (nginx)']);
    expect(judge('kube-apiserver', { 'lb-packages': 'x' })).toEqual(['fail 6443 (kube-apiserver)']);
  });

  it('ask an enforcing host to let nginx listen and connect, and a node for the policy of RKE2', () => {
    const judge = (selinux: string) =>
      checkHosts(
        layout,
        layout.nodes.map((node) => makeFacts(layout, node, { selinux })),
        { nodeIds: new Set(['n-s1', 'n-lb1']), checkIds: new Set(['selinux']) },
      );
    const statuses = (selinux: string) =>
      Object.fromEntries(judge(selinux).map(({ nodeId, status }) => [nodeId, status]));
    expect(statuses('permissive')).toEqual({ 'n-s1': 'ok', 'n-lb1': 'ok' });
    expect(statuses('enforcing')).toEqual({ 'n-s1': 'fail', 'n-lb1': 'fail' });
    expect(statuses('enforcing with rke2-selinux')).toEqual({ 'n-s1': 'ok', 'n-lb1': 'fail' });
    expect(statuses('enforcing with nginx ports')).toEqual({ 'n-s1': 'fail', 'n-lb1': 'ok' });
    expect(statuses('enforcing with rke2-selinux with nginx ports')).toEqual({ 'n-s1': 'ok', 'n-lb1': 'ok' });
    const fix = judge('enforcing').find(({ nodeId }) => nodeId === 'n-lb1')?.fix ?? '';
    for (const command of [
      'semanage port -a -t http_port_t -p tcp 6443',
      'semanage port -a -t http_port_t -p tcp 9345',
      'setsebool -P httpd_can_network_connect on',
    ])
      expect(fix).toContain(command);
  });
});
