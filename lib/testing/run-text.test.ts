import { describe, expect, it } from 'vitest';
import type { RunEventBody } from '@/lib/run/run-event';
import { toTestPlan } from './ledger-step';
import { toRunText } from './run-text';

const plan = toTestPlan('site-text', [
  { nodeId: 'n-0', params: { name: 'one' } },
  { nodeId: 'n-1', params: { name: 'two' } },
]);
const [one = '', two = ''] = plan.steps.map(({ id }) => id);

const output = (stepId: string, offset: number, text: string): RunEventBody => ({
  type: 'step.output',
  stepId,
  offset,
  nextOffset: offset + text.length,
  text,
});
const begin = (stepId: string, attempt = 1): RunEventBody[] => [
  { type: 'step.started', stepId, attempt },
  { type: 'step.probed', stepId, satisfied: false },
  { type: 'step.act-started', stepId, attempt },
];
const finish = (stepId: string, outputs: Record<string, string> = {}): RunEventBody => ({
  type: 'step.finished',
  stepId,
  outcome: 'done',
  outputs,
});
const done: RunEventBody = { type: 'run.finished', state: 'done', failure: null };
const text = (events: readonly RunEventBody[]) => toRunText(plan, events, { nameOf: (id) => `host ${id}` });

describe('the text of a run', () => {
  it('is the same however hosts took turns and output came in pieces', () => {
    const inOrder = [
      ...begin(one),
      output(one, 0, 'first line\nsecond line\n'),
      finish(one, { b: '2', a: '1' }),
      ...begin(two),
      finish(two),
      done,
    ];
    const mixed = [
      ...begin(two),
      ...begin(one),
      output(one, 0, 'first li'),
      finish(two),
      output(one, 8, 'ne\nsecond line\n'),
      finish(one, { a: '1', b: '2' }),
      done,
    ];
    expect(text(mixed)).toBe(text(inOrder));
    expect(text(inOrder)).toBe(`apply: 2 steps
1. host n-0: Note one  [test.ledger]
   probe: needed
   act 1
   | first line
   | second line
   end: done a=1 b=2
2. host n-1: Note two  [test.ledger]
   probe: needed
   act 1
   end: done
done
`);
  });

  it.each([
    ['rke2-server.service is active after 3 s', 'rke2-server.service is active after 14 s'],
    ['rke2.tar.gz: 41 MiB, checksum is right', 'rke2.tar.gz: 42 MiB, checksum is right'],
    [`hash ${'0a'.repeat(32)}`, `hash ${'1b'.repeat(32)}`],
    ['sshd[123]: pid 7 at 2026-01-02T03:04:05Z', 'sshd[9]: pid 81 at 2027-01-02 03:04:05.250Z'],
    ['from 10.1.2.3:40101 to /tmp/x.AbCdEf', 'from 10.1.2.3:52 to /tmp/y.GhIjKl'],
    ['overlay is in the kernel', 'overlay is neither loaded nor built in: kernel 6.1 may lack it'],
    ['done', '3 MiB so far\ndone'],
    ['done', 'rke2-server.service is activating for 12 s: waiting\ndone'],
    ['done', 'passed over: fs.x belongs to the machine around this container\ndone'],
  ])('does not see the difference between %j and %j', (left, right) => {
    const withLine = (line: string) => text([...begin(one), output(one, 0, `${line}\n`), finish(one), done]);
    expect(withLine(left)).toBe(withLine(right));
    expect(withLine(left)).not.toBe(withLine('something else'));
  });

  it.each([
    ['a line more', [...begin(one), output(one, 0, 'wrote\nwrote\n'), finish(one)]],
    ['no act', [{ type: 'step.probed', stepId: one, satisfied: true }, finish(one)]],
    ['a second act', [...begin(one), ...begin(one, 2), output(one, 0, 'wrote\n'), finish(one)]],
    ['another output', [...begin(one), output(one, 0, 'wrote\n'), finish(one, { version: '2' })]],
    [
      'a failure',
      [
        ...begin(one),
        output(one, 0, 'wrote\n'),
        { type: 'step.failed', stepId: one, failure: { code: 'step-exit', message: 'no', nextAction: '' } },
      ],
    ],
    ['a step that somebody skipped', [{ type: 'step.skipped', stepId: one, by: 'ann', reason: 'by hand' }]],
    ['a step that was never begun', []],
  ] as const)('sees %s', (_what, events) => {
    const usual = [...begin(one), output(one, 0, 'wrote\n'), finish(one), done];
    expect(text([...events, done])).not.toBe(text(usual));
  });

  it('gives a name and an address of one host the word that stands for it, the longer one first', () => {
    const events = [...begin(one), output(one, 0, 's1 s12 10.0.0.1 10.0.0.12\n'), finish(one), done];
    const stands = { s1: 'HOST', s12: 'OTHER', '10.0.0.1': 'ADDRESS', '10.0.0.12': 'PEER' };
    expect(toRunText(plan, events, { stands })).toContain('| HOST OTHER ADDRESS PEER\n');
  });

  it('ends with how the run ended, and why', () => {
    const failure = { code: 'step-exit', message: 'no', nextAction: '' } as const;
    expect(text([{ type: 'run.finished', state: 'failed', failure }])).toMatch(/\nfailed, step-exit\n$/);
    expect(text([])).toMatch(/\nnot over\n$/);
  });
});
