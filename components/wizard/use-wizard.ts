'use client';
import { useMemo, useRef, useState } from 'react';
import type { RefObject } from 'react';
import { canonicalJson } from '@/lib/core/hash';
import type { Fix } from '@/lib/rules/finding';
import { applyEdits } from '@/lib/topology/edit-topology';
import type { DocumentPath } from '@/lib/topology/edit-topology';
import type { Topology } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import type { WizardActions } from './actions';
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
    const result = await storeNewest(newest, actions);
    setStoreError(typeof result === 'string' ? result : null);
    if (typeof result === 'string') return null;
    update(result);
    await saver.flush();
    return result.siteId;
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

type Stored = Pick<WizardDraft, 'siteId' | 'etag' | 'storedName' | 'stored' | 'document'>;

/** Stores name and document; the change of the draft that follows from it, or in words why not. */
async function storeNewest(newest: RefObject<WizardDraft>, actions: WizardActions): Promise<Stored | string> {
  const { name, document, siteId, etag, storedName, stored } = newest.current;
  const { topology } = checkDocument(document);
  if (!topology) return 'Some fields are not valid yet. They are marked.';
  const isSame = stored === canonicalJson(topology);
  if (siteId && etag && isSame && name === storedName) return { siteId, etag, storedName, stored, document };
  const id =
    siteId && etag
      ? await storeAgain(
          { siteId, etag, topology: isSame ? null : topology, name: name === storedName ? null : name },
          actions,
        )
      : await storeFirst(name, topology, actions);
  if ('error' in id) return id.error;
  const response = await fetch(`/api/v1/sites/${encodeURIComponent(id.siteId)}/topology`);
  if (!response.ok) return 'The site was stored, but could not be read back. Try again.';
  const view = (await response.json()) as TopologyView; // our own server's shape
  const adopted = adoptStored(newest.current.document, view.topology);
  return {
    siteId: id.siteId,
    etag: view.etag,
    storedName: name,
    stored: canonicalJson(view.topology),
    document: adopted,
  };
}

type StoredId = { readonly siteId: string } | { readonly error: string };
const NO_ANSWER = { error: 'The server did not answer. What you typed is kept; try again.' } as const;

async function storeFirst(name: string, topology: Topology, actions: WizardActions): Promise<StoredId> {
  const result = await actions.createSite({ name, topology }).catch(() => null);
  if (!result) return NO_ANSWER;
  return result.ok ? { siteId: result.value.siteId } : { error: result.error.message };
}

interface Changes {
  readonly siteId: string;
  readonly etag: string;
  /** Null where it is stored already. */
  readonly topology: Topology | null;
  readonly name: string | null;
}

async function storeAgain(
  { siteId, etag, topology, name }: Changes,
  actions: WizardActions,
): Promise<StoredId> {
  if (topology) {
    const result = await actions.putTopology({ siteId, topology, etag }).catch(() => null);
    if (!result) return NO_ANSWER;
    if (!result.ok) return { error: result.error.message };
  }
  if (name !== null) {
    const renamed = await actions.renameSite({ siteId, name }).catch(() => null);
    if (!renamed) return NO_ANSWER;
    if (!renamed.ok) return { error: renamed.error.message };
  }
  return { siteId };
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
