import { expect, it } from 'vitest';
import { startLoopbackHosts } from './bench-hosts';
import { measureUpload } from './upload';

it('measures every figure of upload on a small file', async () => {
  const metrics = await measureUpload(
    { pairs: 1, say: () => undefined },
    { sizeBytes: 8_000_000, startHosts: () => startLoopbackHosts(1) },
  );
  const valueOf = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
  expect(valueOf('ratio_vs_scp')).toBeGreaterThan(0);
  expect(valueOf('ratio_vs_scp_kept')).toBeGreaterThan(0);
  // Counted bytes, not times: a file that is there does not travel again.
  expect(valueOf('unchanged_bytes_ratio')).toBeLessThan(0.01);
  expect(valueOf('resume_bytes_ratio')).toBeGreaterThan(0);
});
