import { Topology } from '@/lib/topology/topology';
import type { LooseDocument } from './document';

/** Everything that was typed in the wizard, stored as a draft from the first key on. */
export interface WizardDraft {
  readonly name: string;
  readonly document: LooseDocument;
  /** Set once the site is stored: host keys, checks and plans hang on it. */
  readonly siteId: string | null;
  readonly etag: string | null;
  /** Name and canonical JSON of the document as last stored at the site, to know whether they must be stored again. */
  readonly storedName: string | null;
  readonly stored: string | null;
  readonly scanJobId: string | null;
  readonly planJobId: string | null;
}

/** The wizard before the first key. */
export function toEmptyDraft(): WizardDraft {
  return {
    name: '',
    document: Topology.parse({ pattern: 'custom' }),
    siteId: null,
    etag: null,
    storedName: null,
    stored: null,
    scanJobId: null,
    planJobId: null,
  };
}

/** A stored draft as the wizard's state. What is missing or has another shape is as in an empty one. */
export function toWizardDraft(stored: unknown): WizardDraft {
  const empty = toEmptyDraft();
  if (typeof stored !== 'object' || stored === null) return empty;
  const members = stored as Readonly<Record<string, unknown>>; // an object was just found, members are checked one by one
  const text = (key: keyof WizardDraft) => (typeof members[key] === 'string' ? members[key] : null);
  const { document } = members;
  const isDocument = typeof document === 'object' && document !== null && !Array.isArray(document);
  return {
    name: text('name') ?? '',
    document: isDocument ? (document as LooseDocument) : empty.document, // checked by the schema before it is used
    siteId: text('siteId'),
    etag: text('etag'),
    storedName: text('storedName'),
    stored: text('stored'),
    scanJobId: text('scanJobId'),
    planJobId: text('planJobId'),
  };
}
