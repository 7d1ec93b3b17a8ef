'use client';
import { toCount } from '@/lib/core/text';
import type { PlanView } from '@/lib/plan/plan-view';
import { Button } from '@/components/ui/button';
import type { SaveState } from './draft-saver';
import { toApplyWords } from './plan-facts';
import { toNeighbour, WIZARD_STEPS, whyClosed } from './steps';
import type { Progress, WizardStep } from './steps';

const SAVE_WORDS: Readonly<Record<SaveState, string>> = {
  unsaved: 'nothing typed yet',
  saving: 'saving the draft',
  saved: 'draft saved',
  failed: 'the draft could not be saved; what you typed is still here',
};

interface Props {
  readonly step: WizardStep;
  readonly progress: Progress;
  readonly saveState: SaveState;
  readonly plan: PlanView | null;
  readonly checksRefusal: string | null;
  readonly isApplying: boolean;
  readonly onGo: (step: WizardStep) => void;
  readonly onApply: () => void;
}

/** Back at the left, the primary button always at the same place at the right, the draft's state between. */
export function WizardFooter(props: Props) {
  const { step, progress, saveState, plan, checksRefusal, isApplying, onGo, onApply } = props;
  const back = toNeighbour(step, -1);
  const next = toNeighbour(step, 1);
  return (
    <div className="sticky bottom-0 z-20 -mx-4 -mb-4 flex h-14 items-center gap-3 border-t border-line bg-paper px-4">
      {back && <Button onClick={() => onGo(back)}>Back</Button>}
      <span role="status" className={saveState === 'failed' ? 'text-down' : 'drawn-label'}>
        {SAVE_WORDS[saveState]}
      </span>
      <span className="ml-auto">
        {next ? (
          <Button look="primary" reason={whyClosed(next, progress)} onClick={() => onGo(next)}>
            Continue to {WIZARD_STEPS.find((each) => each.key === next)?.label}
          </Button>
        ) : (
          <Button
            look="primary"
            isBusy={isApplying}
            reason={whyNoApply(plan, checksRefusal)}
            onClick={onApply}
          >
            {plan && plan.plan.steps.length > 0 ? toApplyWords(plan.plan) : `Apply ${toCount(0, 'step')}`}
          </Button>
        )}
      </span>
    </div>
  );
}

/** Why a plan cannot be applied, in words; null when it can. The checks say nothing on an uninstall. */
export function whyNoApply(plan: PlanView | null, checksRefusal: string | null): string | null {
  if (!plan) return 'There is no plan yet.';
  if (plan.plan.steps.length === 0) return 'The plan has no steps: there is nothing to do.';
  return plan.stale ?? (plan.plan.kind === 'uninstall' ? null : checksRefusal);
}
