import { describe, expect, it } from 'vitest';
import type { HostKeyView } from '@/lib/access/host-key-view';
import { JobView } from '@/lib/run/job-view';
import { NodeId } from '@/lib/core/ids';
import { listHostKeyEntries, toHostKeyState } from './host-key-state';

function key(values: Partial<HostKeyView>): HostKeyView {
  return {
    nodeId: NodeId.parse('n-1'),
    nodeName: 's1',
    address: '192.0.2.11',
    port: 22,
    algorithm: 'ssh-ed25519',
    fingerprint: 'SHA256:one',
    seenAt: '2026-01-01T00:00:00Z',
    approvedAt: null,
    approvedBy: null,
    revokedAt: null,
    ...values,
  };
}

function scan(values: Record<string, unknown>): JobView {
  return JobView.parse({
    id: 'j-1',
    siteId: 's-1',
    kind: 'scan',
    state: 'done',
    progress: '',
    result: null,
    failure: null,
    createdAt: '2026-01-01T00:00:00Z',
    finishedAt: null,
    ...values,
  });
}

const approved = key({ approvedAt: '2026-01-01T00:01:00Z', approvedBy: 'ada' });

describe('toHostKeyState', () => {
  it('is unread before anything is known, reading while the scan runs', () => {
    expect(toHostKeyState('n-1', [], null)).toEqual({ kind: 'unread' });
    expect(toHostKeyState('n-1', [], scan({ state: 'running' }))).toEqual({ kind: 'reading' });
  });

  it('shows a new key, and the approved one once a person said yes', () => {
    expect(toHostKeyState('n-1', [key({})], null)).toMatchObject({ kind: 'new', fingerprint: 'SHA256:one' });
    expect(toHostKeyState('n-1', [approved], null)).toMatchObject({ kind: 'approved', by: 'ada' });
  });

  it('never takes a later, different key for the approved one', () => {
    const other = key({ fingerprint: 'SHA256:two', seenAt: '2026-02-01T00:00:00Z' });
    expect(toHostKeyState('n-1', [approved, other], null)).toMatchObject({
      kind: 'changed',
      fingerprint: 'SHA256:two',
      seenAt: '2026-02-01T00:00:00Z',
      was: { fingerprint: 'SHA256:one', by: 'ada', approvedAt: '2026-01-01T00:01:00Z' },
    });
  });

  it('takes a key of another type for no change, and shows the approved one that was seen last', () => {
    const rsa = key({ ...approved, algorithm: 'ssh-rsa', fingerprint: 'SHA256:rsa' });
    const imported = { ...rsa, seenAt: '2026-02-01T00:00:00Z' };
    const seen = key({ fingerprint: 'SHA256:two', seenAt: '2026-01-02T00:00:00Z' });
    expect(toHostKeyState('n-1', [seen, imported], null)).toMatchObject({ kind: 'approved', by: 'ada' });
    // The host shows none of the approved type any more.
    expect(toHostKeyState('n-1', [rsa, seen], null)).toMatchObject({
      kind: 'new',
      fingerprint: 'SHA256:two',
    });
    // Of the approved ones, the one of its type.
    expect(toHostKeyState('n-1', [rsa, approved, seen], null)).toMatchObject({
      kind: 'changed',
      was: { fingerprint: 'SHA256:one' },
    });
  });

  it('keeps the keys of the bastions on the way apart from the host’s own', () => {
    const hop = '192.0.2.1:22';
    const node = { id: 'n-1', hops: [hop, '192.0.2.2:22'] };
    const failure = { code: 'host-unreachable', message: 'no answer', nextAction: '' };
    const failed = { hop: '192.0.2.2:22', algorithm: null, fingerprint: null, state: 'failed', failure };
    const result = { nodes: [{ nodeId: 'n-1', failure: null, hops: [failed] }] };
    const entries = listHostKeyEntries(
      node,
      [key({ hop, fingerprint: 'SHA256:hop' }), approved],
      scan({ result }),
    );
    expect(entries.map((entry) => [entry.hop, entry.state.kind])).toEqual([
      [hop, 'new'],
      ['192.0.2.2:22', 'failed'],
      [null, 'approved'],
    ]);
  });

  it('ignores revoked keys and keys of other nodes', () => {
    const others = [key({ revokedAt: '2026-01-02T00:00:00Z' }), key({ nodeId: NodeId.parse('n-2') })];
    expect(toHostKeyState('n-1', others, null)).toEqual({ kind: 'unread' });
  });

  it('asks again about a revoked key that the host still shows', () => {
    const revoked = { ...approved, revokedAt: '2026-01-02T00:00:00Z' };
    expect(toHostKeyState('n-1', [revoked], null)).toEqual({ kind: 'unread' });
    const seenSince = { ...revoked, seenAt: '2026-01-03T00:00:00Z' };
    expect(toHostKeyState('n-1', [seenSince], null)).toMatchObject({
      kind: 'new',
      fingerprint: 'SHA256:one',
    });
  });

  it('says why a key could not be read', () => {
    const failure = { code: 'host-unreachable', message: 'no answer', nextAction: 'check the address' };
    const result = {
      nodes: [{ nodeId: 'n-1', algorithm: null, fingerprint: null, state: 'failed', failure }],
    };
    expect(toHostKeyState('n-1', [], scan({ result }))).toMatchObject({
      kind: 'failed',
      message: 'no answer',
    });
  });
});
