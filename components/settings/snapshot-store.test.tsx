import { isValidElement } from 'react';
import type { ComponentProps, ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { beforeEach, expect, it, vi } from 'vitest';
import { applyEdits } from '@/lib/topology/edit-topology';
import { Topology } from '@/lib/topology/topology';
import type { Button } from '@/components/ui/button';
import type { Dialog } from '@/components/ui/dialog';
import { SnapshotStore } from './snapshot-store';

/* Without a browser: which parts keep their state is read from their keys, and buttons are pressed by their handlers. */

const presses = new Map<string, () => void>();
vi.mock('next/navigation', () => ({ useRouter: () => ({ refresh: () => undefined }) }));
vi.mock('@/components/ui/use-action', () => ({
  useAction: (run: unknown) => ({ run, isBusy: false, error: null, clear: () => undefined }),
}));
vi.mock('@/components/ui/dialog', () => ({
  Dialog: ({ title, children }: ComponentProps<typeof Dialog>) => (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  ),
}));
vi.mock('@/components/ui/button', () => ({
  Button: ({ children, look = 'plain', onClick }: ComponentProps<typeof Button>) => {
    if (onClick) presses.set(`${look} ${String(children)}`, onClick as () => void); // none of ours reads its event
    return <button>{children}</button>;
  },
}));

const ref = { id: 'k-000000000001', version: 1 };
const topology = Topology.parse({
  pattern: 'custom',
  etcd: { snapshots: { retention: 7, s3: { endpoint: 's3.example.net', bucket: 'etcd', accessKey: ref } } },
});
const putTopology = vi.fn(() => new Promise<never>(() => undefined));
const never = () => new Promise<never>(() => undefined);
const props = (changes: Partial<ComponentProps<typeof SnapshotStore>> = {}) => ({
  ...{ siteId: 's-1', topology, etag: 'one', refusal: null, putTopology },
  ...{ setSiteSecret: never, removeSiteSecret: never },
  secrets: [
    { field: 's3-access-key', version: 1, setAt: '2026-01-01T00:00:00.000Z', setBy: 'a@example.net' },
    { field: 's3-secret-key', version: null, setAt: null, setBy: null },
  ] as const,
  ...changes,
});
beforeEach(() => {
  presses.clear();
  putTopology.mockClear();
});

/** Keys of the parts in their order; a part whose key changes begins anew and loses what was typed. */
function listKeys(node: ReactNode): string[] {
  if (Array.isArray(node)) return node.flatMap(listKeys);
  if (!isValidElement<{ children?: ReactNode }>(node)) return [];
  return [...(node.key === null ? [] : [node.key]), ...listKeys(node.props.children)];
}

it('keeps what was typed when a key is stored, and begins the place anew when another one is', () => {
  const path = ['etcd', 'snapshots', 's3'];
  const before = listKeys(SnapshotStore(props()));
  expect(before.slice(1)).toEqual(['s3-access-key', 's3-secret-key']);
  const withKey = applyEdits(topology, [{ op: 'set', path: [...path, 'secretKey'], value: ref }]);
  expect(listKeys(SnapshotStore(props({ topology: withKey, etag: 'two' })))).toEqual(before);
  const moved = applyEdits(topology, [{ op: 'set', path: [...path, 'bucket'], value: 'other' }]);
  const after = listKeys(SnapshotStore(props({ topology: moved, etag: 'two' })));
  expect(after[0]).not.toBe(before[0]);
  expect(after.slice(1)).toEqual(before.slice(1));
});

it('asks before it stops using S3, and says that the keys go', () => {
  const text = renderToStaticMarkup(<SnapshotStore {...props()} />);
  expect(text).toContain('With the next plan snapshots stay on the servers only. This also forgets the keys');
  expect(text).toContain('the keys have to be pasted again.');
  presses.get('plain Stop using S3')?.();
  presses.get('plain Cancel')?.();
  expect(putTopology).not.toHaveBeenCalled();
  presses.get('danger Stop using S3')?.();
  const { s3: _, ...snapshots } = topology.etcd.snapshots;
  expect(putTopology.mock.calls).toEqual([
    [
      { siteId: 's-1', etag: 'one', topology: { ...topology, etcd: { ...topology.etcd, snapshots } } },
      expect.any(Function),
    ],
  ]);
});

it('speaks of no keys where none are set', () => {
  const secrets = props().secrets.map(({ field }) => ({ field, version: null, setAt: null, setBy: null }));
  const text = renderToStaticMarkup(<SnapshotStore {...props({ secrets })} />);
  expect(text).toContain('With the next plan snapshots stay on the servers only.');
  expect(text).not.toContain('forgets the keys');
});
