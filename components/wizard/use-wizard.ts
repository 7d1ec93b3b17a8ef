'use client';
import { useMemo, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { canonicalJson } from '@/lib/core/hash';
import type { Fix } from '@/lib/rules/finding';
import { applyEdits } from '@/lib/topology/edit-topology';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import type { StoredTopology, WizardActions } from './actions';
import { checkDocument } from './check-document';
import type { DocumentCheck } from './check-document';
import { readAt, setAt } from './document';
import type { LooseDocument } from './document';
import { DraftSaver } from './draft-saver';
import type { SaveState } from './draft-saver';
import type { WizardDraft } from './wizard-draft';

export interface Wizard {
  readonly draft: WizardDraft;
  readonly check: DocumentCheck;
  readonly saveState: SaveState;
  /** What went wrong when the site was last stored, in words; null when nothing did. */
  readonly storeError: string | null;
  readonly update: (change: Partial<WizardDraft>) => void;
  readonly setField: (path: DocumentPath, value: unknown) => void;
  readonly applyFix: (fix: Fix) => void;
  /** Stores the draft now. */
  readonly flush: () => Promise<void>;
  /** Stores the site where it differs from what is stored; its id, or null when it could not be stored. */
  readonly storeSite: () => Promise<string | null>;
  readonly draftId: () => string | null;
}

interface Options {
  readonly draftId: string | null;
  readonly initial: WizardDraft;
  readonly actions: WizardActions;
  /** Told when the draft got an id, so that the URL can name it. */
  readonly onDraftId: (draftId: string) => void;
}

/** The wizard's state: what is typed, what schema and rules say to it, and where it is stored. */
export function useWizard({ draftId, initial, actions, onDraftId }: Options): Wizard {
  const [draft, setDraft] = useState(initial);
  const newest = useRef(initial);
  const [saveState, setSaveState] = useState<SaveState>(draftId ? 'saved' : 'unsaved');
  const [storeError, setStoreError] = useState<string | null>(null);
  const [saver] = useState(
    () =>
      new DraftSaver<WizardDraft>(
        draftId,
        async (id, document) => {
          const result = await actions.saveDraft({ draftId: id, document });
          return result.ok ? result.value.draftId : null;
        },
        (state, id) => {
          setSaveState(state);
          if (id) onDraftId(id);
        },
      ),
  );
  const check = useMemo(() => checkDocument(draft.document), [draft.document]);
  const update = (change: Partial<WizardDraft>) => {
    newest.current = { ...newest.current, ...change };
    setDraft(newest.current);
    saver.save(newest.current);
  };
  const storeSite = async () => {
    const { change, error } = await storeNewest(newest, actions);
    setStoreError(error);
    if (Object.keys(change).length > 0) {
      update(change);
      await saver.flush();
    }
    return error === null ? newest.current.siteId : null;
  };
  return {
    draft,
    check,
    saveState,
    storeError,
    update,
    setField: (path, value) => update({ document: setAt(newest.current.document, path, value) }),
    applyFix: (fix) => check.topology && update({ document: applyEdits(check.topology, fix.edits) }),
    flush: () => saver.flush(),
    storeSite,
    draftId: () => saver.draftId,
  };
}

interface StoreResult {
  /** What of it was stored: kept in the draft also when something else went wrong after it. */
  readonly change: Partial<WizardDraft>;
  readonly error: string | null;
}

const NO_ANSWER = 'The server did not answer. What you typed is kept; try again.';

/** Stores name and document where they differ from what is stored. */
async function storeNewest(newest: RefObject<WizardDraft>, actions: WizardActions): Promise<StoreResult> {
  const { name, document, siteId, etag, storedName, stored } = newest.current;
  const { topology } = checkDocument(document);
  if (!topology) return { change: {}, error: 'Some fields are not valid yet. They are marked.' };
  const toChange = (view: StoredTopology): Partial<WizardDraft> => ({
    siteId: view.siteId,
    etag: view.etag,
    stored: canonicalJson(view.topology),
    document: adoptStored(newest.current.document, view.topology),
  });
  if (siteId === null || etag === null) {
    const created = await actions.createSite({ name, topology }).catch(() => null);
    if (!created?.ok) return { change: {}, error: created?.error.message ?? NO_ANSWER };
    return { change: { ...toChange(created.value), storedName: name }, error: null };
  }
  let change: Partial<WizardDraft> = {};
  if (stored !== canonicalJson(topology)) {
    const put = await actions.putTopology({ siteId, topology, etag }).catch(() => null);
    if (!put?.ok) return { change, error: put?.error.message ?? NO_ANSWER };
    change = toChange(put.value);
  }
  if (name !== storedName) {
    const renamed = await actions.renameSite({ siteId, name }).catch(() => null);
    if (!renamed?.ok) return { change, error: renamed?.error.message ?? NO_ANSWER };
    change = { ...change, storedName: name };
  }
  return { change, error: null };
}

/**
 * What is typed with what only the server hands out: node ids (in the document's order) and references to the join
 * tokens. Everything else stays as it is, also what was typed while the site was being stored.
 */
export function adoptStored(document: LooseDocument, stored: Topology): LooseDocument {
  const withIds = stored.nodes.reduce(
    (result, node, index) =>
      readAt(result, ['nodes', index]) === undefined
        ? result
        : setAt(result, ['nodes', index, 'id'], node.id),
    document,
  );
  const { serverToken, agentToken } = stored.security;
  return setAt(
    setAt(withIds, ['security', 'serverToken'], serverToken),
    ['security', 'agentToken'],
    agentToken,
  );
}
