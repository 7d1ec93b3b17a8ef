import { describe, expect, it } from 'vitest';
import { layout, plan, running, withFacts } from '@/lib/testing/example-site';
import { Topology } from '@/lib/topology/topology';
import { hashFacts } from './hash-facts';

const withDays = (name: string, certificateDays: number | null) =>
  withFacts(running, name, () => ({ certificateDays }));

describe('certificates that are due', () => {
  it.each([
    [119, 'end in 119 days'],
    [1, 'end in 1 day'],
    [0, 'end today'],
    [-3, 'ended 3 days ago'],
  ])('in %i days are a notice where nothing restarts', (days, words) => {
    const result = plan(layout, withDays('s2', days));
    expect(result.steps).toEqual([]);
    expect(result.notices).toEqual([
      `The certificates of RKE2 on s2 ${words}. RKE2 renews them when it starts: restart rke2-server there, one server at a time.`,
    ]);
  });

  it('are renewed by a restart of the plan, which says so', () => {
    const changed = Topology.parse({
      ...layout,
      security: { ...layout.security, extraSans: ['k8s.example.net'] },
    });
    const result = plan(changed, withDays('s2', 30));
    const restart = result.steps.find(({ kind, nodeId }) => kind === 'service.restart' && nodeId === 'n-s2');
    expect(restart?.effect).toContain(
      'restarts rke2-server on s2 and renews its certificates, which end in 30 days;',
    );
    expect(result.notices).toEqual([]);
  });

  it('are not spoken of while a restart would not renew them, or where nobody read them', () => {
    for (const days of [120, 364, null]) expect(plan(layout, withDays('a1', days)).notices).toEqual([]);
    expect(plan(layout, withDays('a1', 119)).notices[0]).toContain('restart rke2-agent there.');
  });

  it('leave a plan fresh from one day to the next', () => {
    expect(hashFacts(withDays('s1', 30))).toBe(hashFacts(withDays('s1', 29)));
  });
});
