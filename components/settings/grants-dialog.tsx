'use client';
import { X } from 'lucide-react';
import { useState } from 'react';
import type { Grant } from '@/lib/access/grant';
import type { UserRole } from '@/lib/access/permission';
import type { UserView } from '@/lib/access/user-view';
import type { ActionResult } from '@/lib/core/action-result';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Select } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';
import type { NamedSite } from './user-form';

export type SetGrants = (input: { userId: string; grants: Grant[] }) => Promise<ActionResult<UserView>>;

interface Props {
  /** Null closes the dialog. */
  readonly user: UserView | null;
  readonly sites: readonly NamedSite[];
  readonly setGrants: SetGrants;
  readonly onClose: () => void;
  readonly onStored: () => void;
}

interface Row {
  readonly siteId: string | null;
  readonly role: UserRole;
}

const ROLES: readonly { readonly role: UserRole; readonly words: string }[] = [
  { role: 'viewer', words: 'viewer: sees' },
  { role: 'operator', words: 'operator: builds and runs' },
  { role: 'admin', words: 'admin: also people and deleting' },
];

/** What a person may do: a role on all sites, or on each site by itself. */
export function GrantsDialog({ user, onClose, ...rest }: Props) {
  return (
    <Dialog
      isOpen={user !== null}
      onClose={onClose}
      title={`What ${user?.name ?? ''} may do`}
      className="w-160"
    >
      {user && <GrantsForm key={user.id} user={user} onClose={onClose} {...rest} />}
    </Dialog>
  );
}

function GrantsForm({ user, sites, setGrants, onClose, onStored }: Props & { readonly user: UserView }) {
  const [rows, setRows] = useState<readonly Row[]>(user.grants);
  const { run, isBusy, error } = useAction(setGrants);
  const names = new Map<string | null, string>([
    [null, 'all sites'],
    ...sites.map(({ id, name }) => [id, name] as const),
  ]);
  const free = [...names.keys()].filter((siteId) => !rows.some((row) => row.siteId === siteId));
  const change = (at: number, next: Partial<Row>) =>
    setRows(rows.map((row, index) => (index === at ? { ...row, ...next } : row)));
  const toGrants = (): Grant[] =>
    rows.flatMap(({ siteId, role }): Grant[] => {
      if (siteId === null) return [{ siteId, role }];
      const site = sites.find((each) => each.id === siteId);
      return site ? [{ siteId: site.id, role }] : []; // a site that is gone takes its grant along
    });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        run({ userId: user.id, grants: toGrants() }, onStored);
      }}
    >
      {rows.length === 0 && <p className="text-soft">Nothing: {user.name} can sign in and sees no site.</p>}
      <ul className="flex flex-col gap-2">
        {rows.map((row, index) => (
          <li
            key={index}
            className="grid grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)_auto] items-center gap-2"
          >
            <Select
              aria-label={`Role of grant ${index + 1}`}
              value={row.role}
              onChange={(event) =>
                change(index, { role: event.target.value as UserRole /* the options below */ })
              }
            >
              {ROLES.map(({ role, words }) => (
                <option key={role} value={role}>
                  {words}
                </option>
              ))}
            </Select>
            on
            <Select
              aria-label={`Site of grant ${index + 1}`}
              value={row.siteId ?? ''}
              onChange={(event) => change(index, { siteId: event.target.value || null })}
            >
              {[row.siteId, ...free].map((siteId) => (
                <option key={siteId ?? ''} value={siteId ?? ''}>
                  {names.get(siteId) ?? siteId}
                </option>
              ))}
            </Select>
            <Button
              look="quiet"
              isCompact
              aria-label={`Remove grant ${index + 1}`}
              onClick={() => setRows(rows.filter((_, each) => each !== index))}
            >
              <X aria-hidden className="size-4" />
            </Button>
          </li>
        ))}
      </ul>
      <Button
        isCompact
        className="self-start"
        reason={free.length === 0 ? 'Every site has its grant already.' : null}
        onClick={() => setRows([...rows, { siteId: free[0] ?? null, role: 'viewer' }])}
      >
        Add a grant
      </Button>
      <p className="text-soft">It holds from the next request on; open pages follow within 15 s.</p>
      <ActionErrorPanel error={error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" isBusy={isBusy}>
          Store the grants
        </Button>
      </div>
    </form>
  );
}
