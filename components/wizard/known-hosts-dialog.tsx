'use client';
import { useCallback, useState } from 'react';
import type { HostKeyImport, ImportedKey } from '@/lib/access/host-key-import';
import { toCount } from '@/lib/core/text';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field } from '@/components/ui/field';
import { Textarea } from '@/components/ui/input';
import { StateMark } from '@/components/ui/state-mark';
import { useAction } from '@/components/ui/use-action';
import type { ImportKnownHosts } from './actions';

interface Props {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly siteId: string;
  readonly importKnownHosts: ImportKnownHosts;
}

/** What a server action may carry. */
const MAX_CHARS = 60_000;

/** Approves keys that somebody has checked before: those of a known_hosts file, for the hosts of this site. */
export function KnownHostsDialog({ isOpen, onClose, ...rest }: Props) {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="Import known_hosts" className="w-180">
      <ImportForm {...rest} onClose={onClose} />
    </Dialog>
  );
}

function ImportForm({ siteId, importKnownHosts, onClose }: Omit<Props, 'isOpen'>) {
  const [text, setText] = useState('');
  const [result, setResult] = useState<HostKeyImport | null>(null);
  const send = useCallback((file: string) => importKnownHosts(siteId, file), [importKnownHosts, siteId]);
  const { run, isBusy, error } = useAction(send);
  if (result) {
    return (
      <div className="flex flex-col gap-4">
        <ImportResult result={result} />
        <div className="flex justify-end gap-2">
          <Button onClick={() => setResult(null)}>Import more</Button>
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        </div>
      </div>
    );
  }
  const tooLong =
    text.length > MAX_CHARS ? `At most ${MAX_CHARS.toLocaleString('en')} characters at once.` : null;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (tooLong === null && text.trim() !== '') run(text, setResult);
      }}
    >
      <p>
        Each line whose name or address belongs to a host of this site is approved in your name. Hashed names
        and [address]:port are understood; a line marked @revoked takes the trust away.
      </p>
      <Field label="known_hosts" help="Paste it, or choose a file." error={tooLong ?? error?.fields?.text}>
        {(ids) => (
          <Textarea
            {...ids}
            isMono
            autoFocus
            rows={8}
            placeholder="192.0.2.11 ssh-ed25519 AAAAC3Nza…"
            className="whitespace-pre"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <input
        type="file"
        aria-label="Choose a known_hosts file"
        className="file:mr-3 file:h-8 file:rounded-2 file:border file:border-line file:bg-raised file:px-3 file:hover:border-ink"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) void file.text().then(setText);
        }}
      />
      <ActionErrorPanel error={error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          look="primary"
          isBusy={isBusy}
          reason={text.trim() === '' ? 'Paste lines of a known_hosts file first.' : tooLong}
        >
          Import
        </Button>
      </div>
    </form>
  );
}

/** What became of each line. */
function ImportResult({
  result: { matched, revoked, unmatched, refused },
}: {
  readonly result: HostKeyImport;
}) {
  return (
    <div role="status" className="flex max-h-[60vh] flex-col gap-3 overflow-auto">
      <KeyList
        keys={matched}
        word={`${toCount(matched.length, 'key')} approved`}
        shape="circle"
        ink="healthy"
      />
      {revoked.length > 0 && (
        <KeyList
          keys={revoked}
          word={`${toCount(revoked.length, 'key')} revoked`}
          shape="slashed-ring"
          ink="degraded"
        />
      )}
      {refused.length > 0 && (
        <section aria-label="Refused">
          <StateMark shape="square-bar" ink="down" word={`${toCount(refused.length, 'line')} refused`} />
          <ul className="mt-1 flex flex-col gap-0.5 pl-4">
            {refused.map(({ line, reason }) => (
              <li key={line} className="wrap-anywhere">
                <span className="drawn-label mr-2">line {line}</span>
                {reason}
              </li>
            ))}
          </ul>
        </section>
      )}
      {unmatched.length > 0 && (
        <p className="text-soft">
          {toCount(unmatched.length, 'line')} about no host of this site: {toRanges(unmatched)}.
        </p>
      )}
    </div>
  );
}

interface KeyListProps {
  readonly keys: readonly ImportedKey[];
  readonly word: string;
  readonly shape: 'circle' | 'slashed-ring';
  readonly ink: 'healthy' | 'degraded';
}

function KeyList({ keys, word, shape, ink }: KeyListProps) {
  return (
    <section aria-label={word}>
      <StateMark shape={shape} ink={keys.length === 0 ? 'ink-soft' : ink} word={word} />
      <ul className="mt-1 flex flex-col gap-0.5 pl-4">
        {keys.map((key) => (
          <li key={`${key.line} ${key.nodeId} ${key.hop ?? ''}`} className="font-mono text-11 break-all">
            <span className="text-soft">line {key.line}</span> {key.hop ? `bastion ${key.hop}` : key.nodeName}{' '}
            <span className="text-soft">{key.algorithm}</span> {key.fingerprint}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `1, 3 to 7, 9`. */
export function toRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges
    .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from}, ${to}` : `${from} to ${to}`))
    .join(', ');
}
