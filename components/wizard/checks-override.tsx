'use client';
import { useState } from 'react';
import type { CheckCell } from '@/lib/run/job-view';
import { RUN_LIMITS } from '@/lib/run/limits';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { announce } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Textarea } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';
import type { CheckActions } from './actions';

const { minReason, maxReason } = RUN_LIMITS;

interface Props {
  readonly cell: CheckCell;
  readonly siteId: string;
  readonly overrideCheck: CheckActions['overrideCheck'];
  readonly onCancel: () => void;
  readonly onDone: () => void;
}

/** Asks why a red check may pass: for the next run only, and only as long as it finds what it found now. */
export function OverrideForm({ cell, siteId, overrideCheck, onCancel, onDone }: Props) {
  const [reason, setReason] = useState('');
  const overriding = useAction(overrideCheck);
  const missing = minReason - reason.trim().length;
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (missing > 0 || overriding.isBusy) return;
        const { nodeId, checkId, value, valueHash } = cell;
        overriding.run({ siteId, nodeId, checkId, value, valueHash, reason: reason.trim() }, () => {
          announce(`${cell.title} overridden`);
          onDone();
        });
      }}
    >
      <Field
        label="Why may this pass?"
        help="For the next run, or until the check finds something else. It stands in the audit and in the run’s log."
        error={overriding.error?.fields?.reason}
      >
        {(ids) => (
          <Textarea
            {...ids}
            autoFocus
            rows={2}
            maxLength={maxReason}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
      {!overriding.error?.fields?.reason && <ActionErrorPanel error={overriding.error} />}
      <div className="flex justify-end gap-2">
        <Button isCompact onClick={onCancel}>
          Cancel
        </Button>
        <Button
          isCompact
          type="submit"
          look="danger"
          isBusy={overriding.isBusy}
          reason={missing > 0 ? `Type at least ${minReason} characters.` : null}
        >
          Override this check
        </Button>
      </div>
    </form>
  );
}
