import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { hostname, totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { findShells } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';
import { findSample } from './sample-line';
import type { Sample } from './sample';
import { SAMPLER_SCRIPT, toSamplerVariables } from './sampler-script';

const ownDirs = () => readdirSync('/run').filter((name) => name.startsWith('siteplan-sampler.'));

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'the sampler with $name',
  ({ shell }) => {
    it('streams this machine, and leaves nothing behind when its output is closed', async () => {
      const before = ownDirs();
      const variables = toSamplerVariables({
        role: 'agent',
        nodeName: hostname(),
        intervalS: 1,
        slowEvery: 2,
      });
      const [program, ...args] = shell;
      const child = spawn(program, [...args, '-c', toShellAssignments(variables) + SAMPLER_SCRIPT]);
      const samples: Sample[] = [];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        samples.push(...text.split('\n').flatMap((line) => findSample(line, Date.now()) ?? []));
      });
      const ended = once(child, 'close');
      const last = await waitFor(
        () => samples.length >= 3 && samples.at(-1)?.slowAgeS !== null && samples.at(-1),
        {
          what: 'three samples',
          timeoutMs: 15_000,
        },
      );
      child.stdout.destroy();
      await ended;
      expect(ownDirs()).toEqual(before);
      expect(samples[0]).toMatchObject({ cpuPercent: null, rxBytesPerS: null });
      expect(last.cpuPercent).not.toBeNull();
      expect(last.rxBytesPerS).not.toBeNull();
      expect(last.diskPercent).toBeGreaterThan(0);
      expect(Math.abs(last.memoryTotalMiB - totalmem() / 1_048_576)).toBeLessThan(64);
      expect(Math.abs(last.clockOffsetMs ?? 9e9)).toBeLessThan(2_000);
    });
  },
);

describe('hostile numbers', () => {
  it.each(['', '0', '5; touch /tmp/siteplan-marker', '-1', 'x'])('end the sampler: %j', async (interval) => {
    const variables = {
      ...toSamplerVariables({ role: 'lb', nodeName: 'x', intervalS: 1 }),
      interval_s: interval,
    };
    const child = spawn('sh', ['-c', toShellAssignments(variables) + SAMPLER_SCRIPT]);
    expect((await once(child, 'close'))[0]).toBe(2);
  });
});
