import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sample } from './sample';
import { findSample, parseSampleLine } from './sample-line';

const FULL =
  'siteplan-sample 1 disk_name=vda interval=5 clock=1800000000100 boot=91ef17cf-a480 uptime=2932 load=1.58 memory=8192000,4096000 ' +
  'cpu=200,150 net=10000,5000,500 writes=4,10 ports=9345,6443,2379 slow_age=3 read=1800000000 disk=1000000,250000,750000 api=200 ' +
  'etcd=1 etcd_has_leader=1 etcd_is_leader=0 ready=True cert=1830000000 unit:rke2-server.service=active';

describe('a line of the sampler', { timeout: 30_000 }, () => {
  it('is read whole', () => {
    const sample = parseSampleLine(FULL, 1_800_000_000_000);
    expect(Sample.parse(sample)).toEqual({
      receivedAtMs: 1_800_000_000_000,
      intervalS: 5,
      bootId: '91ef17cf-a480',
      uptimeS: 2932,
      cpuPercent: 25,
      load1: 1.58,
      memoryTotalMiB: 8000,
      memoryPercent: 50,
      diskPercent: 25,
      diskFreeGiB: 0.7,
      writeLatencyMs: 2.5,
      rxBytesPerS: 2000,
      txBytesPerS: 1000,
      clockOffsetMs: 100,
      units: { 'rke2-server.service': 'active' },
      listening: [2379, 6443, 9345],
      apiReadyCode: 200,
      etcdHealthy: true,
      etcdHasLeader: true,
      etcdIsLeader: false,
      nodeReady: 'True',
      certificateEndS: 1_830_000_000,
      slowAgeS: 3,
    });
  });

  it('has nulls for what the first line does not know', () => {
    const sample = parseSampleLine(
      'siteplan-sample 1 interval=5 boot=b uptime=1 load=0.00 memory=100,50 ports=',
      0,
    );
    expect(sample).toMatchObject({
      cpuPercent: null,
      diskPercent: null,
      slowAgeS: null,
      apiReadyCode: null,
      listening: [],
      units: {},
    });
  });

  it.each([
    '',
    'siteplan-sample 2 interval=5',
    'siteplan-sample 1 ',
    FULL.replace('interval=5', 'interval=x'),
    FULL.replace('memory=8192000,4096000', 'memory=1'),
    FULL.replace('boot=91ef17cf-a480', 'boot='),
    `${FULL} ${'x'.repeat(5_000)}`,
  ])('is refused when it is none: %.60j', (line) => {
    expect(findSample(line, 0)).toBeNull();
    expect(() => parseSampleLine(line, 0)).toThrow('not a line');
  });

  it('takes counters that were set back as unknown, not as a rate', () => {
    const line = FULL.replace('cpu=200,150', 'cpu=-5,10')
      .replace('net=10000,5000,500', 'net=-1,5,500')
      .replace('writes=4,10', 'writes=0,0');
    expect(parseSampleLine(line, 0)).toMatchObject({
      cpuPercent: null,
      rxBytesPerS: null,
      writeLatencyMs: null,
    });
  });

  it('gives a valid sample or nothing for any text', () => {
    const word = fc.oneof(
      fc.constantFrom(...FULL.split(' ')),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc
        .tuple(
          fc.constantFrom(
            'cpu',
            'net',
            'memory',
            'disk',
            'api',
            'ports',
            'clock',
            'cert',
            'unit:x',
            'ready',
            '__proto__',
            'unit:__proto__',
          ),
          fc.string({ unit: fc.constantFrom(...'0123456789,.-eE+'.split('')), maxLength: 20 }),
        )
        .map(([key, value]) => `${key}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const base = 'siteplan-sample 1 interval=5 boot=b uptime=1 load=0 memory=100,50';
        for (const line of [`siteplan-sample 1 ${words.join(' ')}`, `${base} ${words.join(' ')}`]) {
          const sample = findSample(line, 0);
          if (sample) expect(Sample.safeParse(sample).success).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
