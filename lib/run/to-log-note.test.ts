import { describe, expect, it } from 'vitest';
import { RunEventBody } from './run-event';
import { toLogNote } from './to-log-note';

const failure = { code: 'internal', message: 'It broke.', nextAction: 'Look at it.' } as const;
const step = { nodeId: 'n-1', number: 2, title: 'Start a unit' };
const [stepId, by, reason] = ['s2', 'ann@example.net', 'done by hand'];
const override = { nodeId: 'n-1', checkId: 'cpu', title: 'CPU', value: '1', reason: 'a lab', by };

const NOTES: readonly (readonly [RunEventBody, string | null])[] = [
  [{ type: 'run.queued', by, steps: 2 }, `queued by ${by}`],
  [
    { type: 'run.queued', by, steps: 2, overrides: [override] },
    `queued by ${by}; 1 failing check overridden: CPU (1), by ${by}: a lab`,
  ],
  [{ type: 'run.claimed', worker: 'w-1', previousEpoch: null }, 'started by worker w-1'],
  [{ type: 'run.claimed', worker: 'w-2', previousEpoch: '7' }, 'worker w-2 goes on, after epoch 7'],
  [{ type: 'run.cancel-requested', by }, `${by} asked to cancel`],
  [{ type: 'run.retry-requested', by }, `${by} asked to try again`],
  [{ type: 'run.resume-requested', by }, `${by} asked to go on`],
  [{ type: 'run.finished', state: 'needs-attention', failure }, 'run ended: needs attention'],
  [{ type: 'host.lost', nodeId: 'n-1', failure }, 'connection lost, trying again: It broke.'],
  [{ type: 'host.back', nodeId: 'n-1', rebooted: false }, 'the host is back'],
  [{ type: 'host.back', nodeId: 'n-1', rebooted: true }, 'the host is back after a reboot'],
  [{ type: 'step.started', stepId, attempt: 1 }, 'step 2: Start a unit'],
  [{ type: 'step.started', stepId, attempt: 3 }, 'step 2: Start a unit, try 3'],
  [{ type: 'step.probed', stepId, satisfied: true }, 'step 2 already so'],
  [{ type: 'step.probed', stepId, satisfied: false }, null],
  [{ type: 'step.act-started', stepId, attempt: 1 }, null],
  [{ type: 'step.verifying', stepId }, null],
  [{ type: 'step.reattached', stepId, offset: 9 }, 'step 2 found still running on the host, followed again'],
  [{ type: 'step.progress', stepId, text: 'sends f: 1 of 2 MiB' }, 'step 2 sends f: 1 of 2 MiB'],
  [{ type: 'step.output', stepId, offset: 0, nextOffset: 2, text: 'a\n' }, null],
  [
    { type: 'step.output-cut', stepId, offset: 0, bytes: 2_048, sha256: 'abc' },
    'log cut here: 2.0 KiB more of step 2 are not kept (sha256 abc)',
  ],
  [
    { type: 'step.cancel-deferred', stepId, reason: 'etcd joins' },
    'cancelling; waits for step 2, which must not be cut: etcd joins',
  ],
  [{ type: 'step.finished', stepId, outcome: 'already-so', outputs: {} }, null],
  [{ type: 'step.finished', stepId, outcome: 'done', outputs: {} }, 'step 2 done'],
  [{ type: 'step.failed', stepId, failure }, 'step 2 failed: It broke.'],
  [{ type: 'step.skipped', stepId, by, reason }, `step 2 skipped by ${by}: done by hand`],
  [{ type: 'step.cancelled', stepId }, 'step 2 cancelled'],
];

describe('toLogNote', () => {
  it.each(NOTES)('says of %j: %s', (body, note) => {
    expect(toLogNote(body, step)).toBe(note);
  });

  it('was asked for every type of event, and needs no plan', () => {
    const types = RunEventBody.options.map(({ shape }) => shape.type.value);
    expect(new Set(NOTES.map(([{ type }]) => type))).toEqual(new Set(types));
    expect(toLogNote({ type: 'step.started', stepId, attempt: 1 }, undefined)).toBe('step: s2');
  });
});
