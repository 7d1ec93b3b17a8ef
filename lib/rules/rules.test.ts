import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryTopology } from '@/lib/testing/arbitrary-topology';
import { BROKEN } from '@/lib/testing/broken-topologies';
import { exampleLayout, oneServer } from '@/lib/testing/example-layout';
import { applyEdits, toPathText } from '@/lib/topology/edit-topology';
import { Topology } from '@/lib/topology/topology';
import { RULES } from './catalogue';
import { checkTopology, isBuildable } from './check-topology';

/** Any topology, with addresses from few networks so that they meet, and with some of the registration left out. */
const halfEntered = fc
  .tuple(
    arbitraryTopology,
    fc.subarray(['vip', 'dnsName', 'interface'] as const),
    fc.constantFrom('192.0.2.', '100.64.1.', '10.42.0.'),
    fc.constantFrom('192.0.2.5', '100.64.1.5', '127.0.0.1'),
  )
  .map(([topology, missing, network, vip]) => {
    const kept = Object.entries({ ...topology.registration, vip }).filter(
      ([key]) => !(missing as readonly string[]).includes(key),
    );
    const nodes = topology.nodes.map((node, place) => ({ ...node, internalIp: `${network}${place + 1}` }));
    return Topology.parse({ ...topology, nodes, registration: Object.fromEntries(kept) });
  });

describe('each rule', () => {
  it('is broken by one topology below', () => {
    expect(BROKEN.map(([ruleId]) => ruleId)).toEqual(RULES.map(({ id }) => id));
  });

  it.each(BROKEN)('%s names %s', (ruleId, path, topology) => {
    const found = checkTopology(topology).filter((finding) => finding.ruleId === ruleId);
    expect(found.map((finding) => toPathText(finding.path))).toContain(path);
    for (const { message, source } of found) {
      expect(message).toMatch(/^[\S\s]{10,300}[.]$/);
      expect(source).not.toBe('');
    }
  });

  it('keeps quiet about the example layout, but for what is true of it', () => {
    expect(checkTopology(exampleLayout()).map(({ ruleId }) => ruleId)).toEqual([
      'snapshots-local-only',
      'external-ip-on-tailnet',
      'external-ip-on-tailnet',
      'external-ip-on-tailnet',
    ]);
    expect(checkTopology(oneServer()).map(({ ruleId }) => ruleId)).toEqual([
      'snapshots-local-only',
      'single-server',
    ]);
  });
});

describe('fixes', () => {
  const fixable = BROKEN.flatMap(([ruleId, , topology]) =>
    checkTopology(topology).flatMap((finding) =>
      finding.ruleId === ruleId && finding.fix ? [{ ruleId, topology, fix: finding.fix }] : [],
    ),
  );

  it.each(fixable)('of $ruleId make the finding go away', ({ ruleId, topology, fix }) => {
    const after = checkTopology(applyEdits(topology, fix.edits));
    expect(after.filter((finding) => finding.ruleId === ruleId)).toEqual([]);
    expect(fix.title).toMatch(/^[A-Z].*[^.]$/);
  });

  it('exist for most rules', () => {
    expect(new Set(fixable.map(({ ruleId }) => ruleId)).size).toBeGreaterThan(35);
  });

  it('never add an error that was not there', () => {
    const errorsOf = (topology: Topology) =>
      checkTopology(topology).flatMap(({ ruleId, severity, path }) =>
        severity === 'error' ? [`${ruleId} at ${toPathText(path)}`] : [],
      );
    const expectNoNewError = (topology: Topology) => {
      const before = errorsOf(topology);
      for (const { ruleId, fix } of checkTopology(topology)) {
        if (!fix) continue;
        const after = errorsOf(applyEdits(topology, fix.edits));
        expect(
          after.filter((error) => !before.includes(error)),
          `the fix of ${ruleId}: ${fix.title}`,
        ).toEqual([]);
      }
    };
    for (const [, , topology] of BROKEN) expectNoNewError(topology);
    fc.assert(fc.property(halfEntered, expectNoNewError), { numRuns: 300 });
  });

  it('of any topology lessen the findings of their rule', () => {
    fc.assert(
      fc.property(halfEntered, (topology) => {
        const before = checkTopology(topology);
        for (const { ruleId, fix } of before) {
          if (!fix) continue;
          const countOf = (findings: typeof before) =>
            findings.filter((finding) => finding.ruleId === ruleId).length;
          expect(countOf(checkTopology(applyEdits(topology, fix.edits))), ruleId).toBeLessThan(
            countOf(before),
          );
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('checkTopology', () => {
  it('puts errors first and tells whether a plan may be made', () => {
    const findings = checkTopology(exampleLayout({ cilium: { kubeProxyReplacement: false } }));
    const severities = findings.map(({ severity }) => severity);
    expect(severities).toEqual(
      [...severities].sort(
        (a, b) => ['error', 'warning', 'info'].indexOf(a) - ['error', 'warning', 'info'].indexOf(b),
      ),
    );
    expect(isBuildable(findings)).toBe(false);
    expect(isBuildable(checkTopology(exampleLayout()))).toBe(true);
  });

  it('asks for nothing when edge timers are relaxed: they keep their own inequalities', () => {
    const ids = checkTopology(exampleLayout({ edge: { relaxedTimers: true } })).map(({ ruleId }) => ruleId);
    expect(ids).not.toContain('leader-election');
    expect(ids).not.toContain('node-grace-period');
  });
});
