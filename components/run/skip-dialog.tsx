'use client';
import { useCallback, useState } from 'react';
import { toCount } from '@/lib/core/text';
import type { PlanStep } from '@/lib/plan/plan';
import { RUN_LIMITS } from '@/lib/run/limits';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field } from '@/components/ui/field';
import { Textarea } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';
import type { RunActions } from './run-actions';

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly runId: string;
  readonly step: PlanStep;
  /** Place of the step in the plan, from 1. */
  readonly number: number;
  readonly dependants: readonly PlanStep[];
  readonly nodeName: (nodeId: string) => string;
  readonly skipStep: RunActions['skipStep'];
}

/** So many of the steps that wait are named. */
const NAMED = 6;

/** Leaves a failed step out: says what goes on without it, and wants a reason for the log and the audit. */
export function SkipDialog({ isOpen, onClose, ...rest }: Props) {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={`Skip step ${rest.number}`}>
      <SkipForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

function SkipForm({ onClose, runId, step, dependants, nodeName, skipStep }: Omit<Props, 'isOpen'>) {
  const [reason, setReason] = useState('');
  const skip = useCallback((typed: string) => skipStep(runId, step.id, typed), [skipStep, runId, step.id]);
  const { run, isBusy, error } = useAction(skip);
  const missing = RUN_LIMITS.minReason - reason.trim().length;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (missing <= 0 && !isBusy) run(reason.trim(), onClose);
      }}
    >
      <p className="wrap-anywhere">
        “{step.title}” on <b className="font-mono font-medium">{nodeName(step.nodeId)}</b> stays as it is. The
        run can still end as done, but its revision does not count as applied: a new plan will show what is
        left.
      </p>
      {dependants.length === 0 ? (
        <p>No other step waits for it.</p>
      ) : (
        <div>
          <p>
            {toCount(dependants.length, 'step')} that {dependants.length === 1 ? 'waits' : 'wait'} for it will
            go on:
          </p>
          <ul className="mt-1 list-disc pl-5 text-soft">
            {dependants.slice(0, NAMED).map((each) => (
              <li key={each.id} className="wrap-anywhere">
                <span className="font-mono">{nodeName(each.nodeId)}</span>: {each.title}
              </li>
            ))}
            {dependants.length > NAMED && <li>and {dependants.length - NAMED} more</li>}
          </ul>
        </div>
      )}
      <Field
        label="Why it may be left out"
        help={`At least ${RUN_LIMITS.minReason} characters. Stands in the log and in the audit with your name.`}
        error={error?.fields?.reason}
      >
        {(ids) => (
          <Textarea
            {...ids}
            autoFocus
            required
            rows={3}
            maxLength={RUN_LIMITS.maxReason}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Back</Button>
        <Button
          type="submit"
          look="danger"
          isBusy={isBusy}
          reason={missing > 0 ? `Type a reason first: ${toCount(missing, 'more character')}.` : null}
        >
          Skip this step
        </Button>
      </div>
    </form>
  );
}
