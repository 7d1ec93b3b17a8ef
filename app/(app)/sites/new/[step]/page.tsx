import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import {
  approveHostKey,
  importKnownHostsAction,
  putTopology,
  renameSite,
  startPlan,
  startPreflight,
  startRun,
  startScan,
} from '@/app/(app)/sites/[siteId]/actions';
import { overrideCheckAction, revokeOverrideAction } from '@/app/(app)/sites/[siteId]/preflight/actions';
import { createCredential, createSite, deleteDraft, saveDraft } from '@/app/(app)/sites/new/actions';
import { offersAgent } from '@/app/offers-agent';
import type { WizardActions } from '@/components/wizard/actions';
import type { DraftItem } from '@/components/wizard/shape-step';
import { findStep } from '@/components/wizard/steps';
import { toEmptyDraft, toWizardDraft } from '@/components/wizard/wizard-draft';
import { requireUser } from '@/lib/auth/session';
import { listCredentials } from '@/lib/services/credentials/list-credentials';
import { listDrafts } from '@/lib/services/drafts/list-drafts';
import { WizardScreen } from './wizard-screen';

export const metadata: Metadata = { title: 'New site' };

const ACTIONS: WizardActions = {
  saveDraft,
  deleteDraft,
  createSite,
  renameSite,
  putTopology,
  startScan,
  startPreflight,
  overrideCheck: overrideCheckAction,
  revokeOverride: revokeOverrideAction,
  startPlan,
  approveHostKey,
  importKnownHosts: importKnownHostsAction,
  startRun,
};

interface Props {
  readonly params: Promise<{ readonly step: string }>;
  readonly searchParams: Promise<{ readonly draft?: string | string[] }>;
}

export default async function NewSiteStepPage({ params, searchParams }: Props) {
  const ctx = await requireUser('page /sites/new/[step]');
  const step = findStep((await params).step);
  if (!step) notFound();
  const { draft: wanted } = await searchParams;
  const [drafts, credentials] = await Promise.all([listDrafts(ctx), listCredentials(ctx)]);
  const draft = drafts.find((each) => each.id === wanted) ?? null;
  const others = drafts
    .filter((each) => each.id !== draft?.id)
    .map((each): DraftItem => ({
      id: each.id,
      name: toWizardDraft(each.document).name,
      updatedAt: each.updatedAt,
    }));
  return (
    <WizardScreen
      key={draft?.id ?? 'new'}
      step={draft ? step : 'shape'}
      draftId={draft?.id ?? null}
      initial={draft ? toWizardDraft(draft.document) : toEmptyDraft()}
      drafts={others}
      credentials={credentials}
      userName={ctx.actor.name}
      actions={ACTIONS}
      createCredential={createCredential}
      offersAgent={offersAgent(ctx)}
    />
  );
}
