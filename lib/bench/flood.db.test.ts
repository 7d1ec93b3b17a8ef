import { expect, it } from 'vitest';
import { startLoopbackHosts } from './bench-hosts';
import { measureFlood } from './flood';

// The bench itself fails where the stored log is not the printed one, byte for byte.
it('measures every figure of flood on a small one', async () => {
  const metrics = await measureFlood(
    { pairs: 1, say: () => undefined },
    { sizeBytes: 2_000_000, startHosts: () => startLoopbackHosts(2) },
  );
  expect(metrics.map(({ name }) => name)).toEqual([
    'ratio_vs_ssh_redirect',
    'rss_growth_mib',
    'rss_growth_cold_mib',
    'line_to_durable_p95_ms',
    'other_run_slowdown',
  ]);
  for (const { name, value } of metrics) {
    if (name.startsWith('rss_')) expect(value).toBeGreaterThanOrEqual(0);
    else expect(value).toBeGreaterThan(0);
  }
});
