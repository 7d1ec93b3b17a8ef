'use client';
import { useState } from 'react';
import type { Grant } from '@/lib/access/grant';
import type { UserRole } from '@/lib/access/permission';
import type { ActionResult } from '@/lib/core/action-result';
import type { SiteId } from '@/lib/core/ids';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input, Select } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

export interface NamedSite {
  readonly id: SiteId;
  readonly name: string;
}

export type CreateUser = (input: {
  email: string;
  name: string;
  grants: Grant[];
}) => Promise<ActionResult<{ userId: string; link: string }>>;

interface Props {
  readonly sites: readonly NamedSite[];
  readonly createUser: CreateUser;
  readonly onCreated: (link: string) => void;
}

/** A person with one grant; more grants can be given later. */
export function UserForm({ sites, createUser, onCreated }: Props) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState<UserRole>('viewer');
  const [siteId, setSiteId] = useState('');
  const { run, isBusy, error } = useAction(createUser);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        const site = sites.find((each) => each.id === siteId)?.id ?? null;
        run({ email, name, grants: [{ siteId: site, role }] }, (value) => onCreated(value.link));
      }}
    >
      <Field label="E-mail" error={error?.fields?.email}>
        {(ids) => (
          <Input
            {...ids}
            type="email"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label="Name" error={error?.fields?.name}>
        {(ids) => <Input {...ids} required value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="Role">
        {(ids) => (
          <Select
            {...ids}
            value={role}
            onChange={(event) => setRole(event.target.value as UserRole /* the options below */)}
          >
            <option value="viewer">viewer: sees</option>
            <option value="operator">operator: builds and runs</option>
            <option value="admin">admin: also people and deleting</option>
          </Select>
        )}
      </Field>
      <Field label="On">
        {(ids) => (
          <Select {...ids} value={siteId} onChange={(event) => setSiteId(event.target.value)}>
            <option value="">all sites</option>
            {sites.map((site) => (
              <option key={site.id} value={site.id}>
                {site.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <ActionErrorPanel error={error} />
      <Button type="submit" look="primary" isBusy={isBusy} className="self-end">
        Invite
      </Button>
    </form>
  );
}
