'use client';
import { useMemo, useState } from 'react';
import { isAppError } from '@/lib/core/errors';
import { toCount, toSafeLine } from '@/lib/core/text';
import type { HostDraft } from '@/lib/topology/host-draft';
import { parseHosts } from '@/lib/topology/parse-hosts';
import type { HostList } from '@/lib/topology/parse-hosts';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Textarea } from '@/components/ui/input';
import { StateGlyph } from '@/components/ui/state-mark';

const EXAMPLE = '192.0.2.11\nnode-2 192.0.2.12\n192.0.2.21-23';

function readHosts(text: string): HostList | string {
  try {
    return parseHosts(text);
  } catch (error) {
    if (isAppError(error)) return error.message;
    throw error;
  }
}

/** Paste a list of hosts: a preview row by row, and nothing is taken over while a row is wrong. */
export function PasteHosts({ onAdd }: { readonly onAdd: (hosts: readonly HostDraft[]) => void }) {
  const [text, setText] = useState('');
  const list = useMemo(() => readHosts(text), [text]);
  const rows = typeof list === 'string' ? [] : list.rows;
  const wrong = rows.filter((row) => row.error !== null).length;
  const hosts = typeof list === 'string' ? [] : list.hosts;
  const leftOut = typeof list === 'string' ? [] : list.leftOut;
  const reason =
    wrong > 0 ? `Correct ${toCount(wrong, 'line')} first.` : hosts.length === 0 ? 'Paste hosts first.' : null;
  return (
    <div className="flex flex-col gap-2">
      <Field
        label="Paste hosts"
        help="An address per line, a name and an address, a range, a table with a header such as name, ip, role, user, port, or the text of an ssh_config, of an Ansible inventory (INI or YAML) or of a KubeKey cluster."
        error={typeof list === 'string' ? list : null}
      >
        {(ids) => (
          <Textarea
            {...ids}
            isMono
            rows={4}
            placeholder={EXAMPLE}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      {rows.length > 0 && (
        <ul aria-label="Preview" className="max-h-40 overflow-auto border border-grid font-mono text-11">
          {rows.map((row, index) => (
            <li key={index} className="flex items-center gap-2 border-b border-grid px-2 py-1 last:border-0">
              <StateGlyph shape={row.error ? 'square-bar' : 'ring'} ink={row.error ? 'down' : 'ink-soft'} />
              <span className="text-soft">{row.line}</span>
              <span className="min-w-0 truncate">{row.text}</span>
              <span className={row.error ? 'ml-auto text-down' : 'ml-auto text-soft'}>
                {row.error ?? toCount(row.hosts.length, 'host')}
              </span>
            </li>
          ))}
        </ul>
      )}
      {leftOut.length > 0 && (
        <p role="status" className="max-w-160">
          Passwords and keys were left out: {leftOut.map((name) => toSafeLine(name, 60)).join(', ')}. Store
          what the hosts need as a credential and pick it for them.
        </p>
      )}
      <Button
        className="self-start"
        look={reason === null ? 'primary' : 'plain'}
        reason={reason}
        onClick={() => {
          onAdd(hosts);
          setText('');
        }}
      >
        {hosts.length > 0 ? `Add ${toCount(hosts.length, 'host')}` : 'Add hosts'}
      </Button>
    </div>
  );
}
