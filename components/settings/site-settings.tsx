'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import type { SiteView } from '@/lib/topology/site-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { Panel } from '@/components/ui/panels';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly site: SiteView;
  readonly editRefusal: string | null;
  readonly deleteRefusal: string | null;
  readonly kubeconfig: React.ReactNode;
  /** Host keys and the ways to the hosts. */
  readonly access: React.ReactNode;
  readonly renameSite: (input: { siteId: string; name: string }) => Promise<ActionResult<SiteView>>;
  readonly deleteSite: (input: { siteId: string; typedName: string }) => Promise<ActionResult<{ next: '/' }>>;
}

export function SiteSettings({
  site,
  editRefusal,
  deleteRefusal,
  kubeconfig,
  access,
  renameSite,
  deleteSite,
}: Props) {
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <RenamePanel site={site} refusal={editRefusal} renameSite={renameSite} />
      {access}
      <Panel label="kubeconfig">
        <div className="flex flex-wrap items-center justify-between gap-4 p-3">
          <p>The administrator’s kubeconfig of the cluster, sealed to your browser.</p>
          {kubeconfig}
        </div>
      </Panel>
      <DeletePanel site={site} refusal={deleteRefusal} deleteSite={deleteSite} />
    </div>
  );
}

type RenameProps = Pick<Props, 'site' | 'renameSite'> & { readonly refusal: string | null };

function RenamePanel({ site, refusal, renameSite }: RenameProps) {
  const router = useRouter();
  const [name, setName] = useState(site.name);
  const { run, isBusy, error } = useAction(renameSite);
  return (
    <Panel label="name">
      <form
        className="flex flex-col gap-3 p-3"
        onSubmit={(event) => {
          event.preventDefault();
          run({ siteId: site.id, name }, () => {
            notify(`The site is called ${name} now.`);
            router.refresh();
          });
        }}
      >
        <Field label="Name" error={error?.fields?.name} className="max-w-160">
          {(ids) => (
            <Input {...ids} isMono required value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        <ActionErrorPanel error={error} />
        <Button type="submit" className="self-start" isBusy={isBusy} reason={refusal}>
          Rename
        </Button>
      </form>
    </Panel>
  );
}

type DeleteProps = Pick<Props, 'site' | 'deleteSite'> & { readonly refusal: string | null };

function DeletePanel({ site, refusal, deleteSite }: DeleteProps) {
  const [typed, setTyped] = useState('');
  const { run, isBusy, error } = useAction(deleteSite);
  return (
    <Panel label="delete">
      <form
        className="flex flex-col gap-3 p-3"
        onSubmit={(event) => {
          event.preventDefault();
          run({ siteId: site.id, typedName: typed }, (value) => window.location.assign(value.next));
        }}
      >
        <p className="max-w-160">
          Siteplan forgets this site: its drawing, host keys and the way to watch it. The cluster itself stays
          as it is and keeps running; to take RKE2 off the hosts, plan an uninstall first.
        </p>
        <Field
          label={<span className="wrap-anywhere">{`Type ${site.name} to delete it`}</span>}
          className="max-w-160"
        >
          {(ids) => (
            <Input
              {...ids}
              isMono
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
        <ActionErrorPanel error={error} />
        <Button
          type="submit"
          look="danger"
          className="self-start"
          isBusy={isBusy}
          reason={refusal ?? (typed === site.name ? null : 'Type the name of the site first.')}
        >
          Delete the site
        </Button>
      </form>
    </Panel>
  );
}
