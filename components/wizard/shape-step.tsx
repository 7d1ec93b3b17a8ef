'use client';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { Pattern } from '@/lib/topology/topology';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Choices, Input } from '@/components/ui/input';
import { Panel } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { useAction } from '@/components/ui/use-action';
import type { WizardActions } from './actions';
import { choosePattern } from './choose-pattern';
import { readAt } from './document';
import type { Wizard } from './use-wizard';

export interface DraftItem {
  readonly id: string;
  readonly name: string;
  readonly updatedAt: string;
}

const PATTERNS = [
  {
    value: 'ha',
    label: 'Highly available',
    help: 'Three servers behind a virtual IP on two load balancers, and agents for the work. Tolerates the failure of one server and of one load balancer.',
  },
  {
    value: 'edge',
    label: 'Edge',
    help: 'One server and a few agents on a thin or unsteady link, often over Tailscale; slower timers. Tolerates no failure of the server; while it is away, pods go on.',
  },
  {
    value: 'custom',
    label: 'One server',
    help: 'Control plane, etcd and workloads on one host; agents can join it. Tolerates no failure of the server.',
  },
] as const;

interface Props {
  readonly wizard: Wizard;
  /** Other forms of this person that were not finished. */
  readonly drafts: readonly DraftItem[];
  readonly deleteDraft: WizardActions['deleteDraft'];
}

/** Step 1: what the site is called and how it is shaped. */
export function ShapeStep({ wizard, drafts, deleteDraft }: Props) {
  const router = useRouter();
  const discard = useAction(deleteDraft);
  const pattern = readAt(wizard.draft.document, ['pattern']);
  return (
    <div className="flex max-w-160 flex-col gap-6">
      <Field
        label="Name"
        help="For people, and typed again before anything dangerous. It can be changed later."
      >
        {(ids) => (
          <Input
            {...ids}
            autoFocus
            isMono
            placeholder="hamburg-1"
            maxLength={63}
            value={wizard.draft.name}
            onChange={(event) => wizard.update({ name: event.target.value })}
          />
        )}
      </Field>
      <Choices
        legend="Pattern"
        name="pattern"
        value={Pattern.safeParse(pattern).data ?? ''}
        choices={PATTERNS}
        onChange={(value) =>
          value !== '' && wizard.update({ document: choosePattern(wizard.draft.document, value) })
        }
      />
      <ActionErrorPanel error={discard.error} />
      {drafts.length > 0 && (
        <Panel label="not finished yet">
          <ul>
            {drafts.map((draft) => (
              <li
                key={draft.id}
                className="flex items-center justify-between border-b border-grid px-3 py-1 last:border-0"
              >
                <Link href={`/sites/new/shape?draft=${draft.id}`} className="text-accent underline">
                  {draft.name || 'unnamed'}
                </Link>
                <span className="flex items-center gap-2 text-soft">
                  <span>
                    typed <RelativeTime at={draft.updatedAt} />
                  </span>
                  <Button
                    look="quiet"
                    isCompact
                    isBusy={discard.isBusy}
                    aria-label={`Discard the draft ${draft.name || 'unnamed'}`}
                    onClick={() => discard.run({ draftId: draft.id }, () => router.refresh())}
                  >
                    Discard
                  </Button>
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}
