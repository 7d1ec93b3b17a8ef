'use client';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import type { AnsiUp } from 'ansi_up';

/** The colour reader, loaded with the first line that has colours. */
function useAnsi(isWanted: boolean): typeof AnsiUp | null {
  const { data } = useQuery({
    queryKey: ['ansi-up'],
    enabled: isWanted,
    queryFn: () => import('ansi_up').then((module) => module.AnsiUp),
  });
  return data ?? null;
}

interface Piece {
  readonly text: string;
  readonly className: string;
}

/** Terminal colours by the names of ansi_up's classes; each keeps its contrast on both papers. */
const CLASSES: Readonly<Record<string, string>> = {
  'ansi-red-fg': 'text-down',
  'ansi-bright-red-fg': 'text-down',
  'ansi-green-fg': 'text-healthy',
  'ansi-bright-green-fg': 'text-healthy',
  'ansi-yellow-fg': 'text-degraded',
  'ansi-bright-yellow-fg': 'text-degraded',
  'ansi-blue-fg': 'text-provisioning',
  'ansi-bright-blue-fg': 'text-provisioning',
  'ansi-magenta-fg': 'text-accent',
  'ansi-bright-magenta-fg': 'text-accent',
  'ansi-cyan-fg': 'text-accent',
  'ansi-bright-cyan-fg': 'text-accent',
  'ansi-bright-black-fg': 'text-soft',
};

/**
 * A line in pieces of one colour. The reader gives HTML with every special character escaped; it is taken apart as
 * text here and never becomes markup, because what comes from a host is hostile.
 */
export function toPieces(Reader: typeof AnsiUp, text: string): readonly Piece[] {
  const reader = new Reader();
  reader.use_classes = true;
  reader.escape_html = true;
  reader.url_allowlist = {};
  const html = reader.ansi_to_html(text);
  return [...html.matchAll(/<span([^>]*)>([^<]*)<\/span>|([^<]+)/g)].map(
    ([, attributes, inside, outside]) => ({
      text: unescapeHtml(inside ?? outside ?? ''),
      className: toClassName(attributes ?? ''),
    }),
  );
}

function toClassName(attributes: string): string {
  const names = /class="([^"]*)"/.exec(attributes)?.[1]?.split(' ') ?? [];
  const bold = /font-weight:\s*bold/.test(attributes) ? 'font-semibold' : '';
  return [...names.map((name) => CLASSES[name] ?? ''), bold].filter(Boolean).join(' ');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** A line of output in its colours, and marked where it holds what is searched for. */
export function AnsiLine({ text, query }: { readonly text: string; readonly query: string }) {
  const hasColours = text.includes('\u001b');
  const Reader = useAnsi(hasColours);
  const pieces =
    hasColours && Reader
      ? toPieces(Reader, text)
      : [{ text: hasColours ? stripEscapes(text) : text, className: '' }];
  return pieces.map((piece, index) => (
    <span key={index} className={piece.className || undefined}>
      <Marked text={piece.text} query={query} />
    </span>
  ));
}

function stripEscapes(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
}

function Marked({ text, query }: { readonly text: string; readonly query: string }) {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return text;
  const parts: { text: string; isHit: boolean }[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(
      { text: text.slice(from, at), isHit: false },
      { text: text.slice(at, at + wanted.length), isHit: true },
    );
    from = at + wanted.length;
  }
  parts.push({ text: text.slice(from), isHit: false });
  return parts.map((part, index) => (
    <Fragment key={index}>
      {part.isHit ? <mark className="bg-degraded/30 text-ink">{part.text}</mark> : part.text}
    </Fragment>
  ));
}
