import { expect, it } from 'vitest';
import { exampleLayout } from '@/lib/testing/example-layout';
import type { TopologyInput } from '@/lib/topology/topology';
import { checkTopology } from './check-topology';

const rulesOf = (changes: Partial<TopologyInput>) =>
  checkTopology(exampleLayout(changes)).map(({ ruleId }) => ruleId);

it.each([
  [1_000, false],
  [1_001, true],
])('a heartbeat of %i ms is judged by the 5000 ms that RKE2 gives etcd', (heartbeatIntervalMs, isTooSlow) => {
  const found = rulesOf({ etcd: { heartbeatIntervalMs } });
  expect(found.includes('etcd-election-timeout')).toBe(isTooSlow);
});

it.each([
  ['25s', false],
  ['26s', true],
])(
  'a report every %s is judged by the grace period of 50 s that Kubernetes has since 1.32',
  (every, isLate) => {
    const found = rulesOf({ rke2: { serverArgs: { kubelet: [`node-status-update-frequency=${every}`] } } });
    expect(found.includes('node-grace-period')).toBe(isLate);
  },
);
