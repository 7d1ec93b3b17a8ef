'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import type { SiteSecretField, SiteSecretView } from '@/lib/render/site-secret';
import { toIssueWords } from '@/lib/topology/issue-words';
import { Topology } from '@/lib/topology/topology';
import type { TopologyInput } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field } from '@/components/ui/field';
import { Input } from '@/components/ui/input';
import { Panel } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly siteId: string;
  readonly topology: Topology;
  readonly etag: string;
  readonly secrets: readonly SiteSecretView[];
  /** Why the viewer may not change it; null when they may. */
  readonly refusal: string | null;
  readonly putTopology: (input: {
    siteId: string;
    topology: TopologyInput;
    etag: string;
  }) => Promise<ActionResult<TopologyView>>;
  readonly setSiteSecret: (input: {
    siteId: string;
    field: SiteSecretField;
    value: string;
  }) => Promise<ActionResult<SiteSecretView>>;
  readonly removeSiteSecret: (input: {
    siteId: string;
    field: SiteSecretField;
  }) => Promise<ActionResult<null>>;
}

const SECRET_LABELS: Readonly<Record<SiteSecretField, string>> = {
  's3-access-key': 'Access key',
  's3-secret-key': 'Secret key',
};
const STORE_FIELDS = [
  { key: 'endpoint', label: 'Endpoint', help: 'A host, such as s3.example.net.' },
  { key: 'bucket', label: 'Bucket', help: undefined },
  { key: 'region', label: 'Region', help: undefined },
  { key: 'folder', label: 'Folder', help: 'May be empty.' },
] as const;

type StoredPlace = Readonly<Record<(typeof STORE_FIELDS)[number]['key'], string>>;

/** Where etcd snapshots go besides the servers’ own disks, and the keys for it, which are written and never read. */
export function SnapshotStore(props: Props) {
  const { topology, secrets } = props;
  const { s3 } = topology.etcd.snapshots;
  const hasStore = s3 !== undefined;
  // The form begins anew when another place is stored; a key that was pasted and not stored yet stays.
  const place = JSON.stringify(STORE_FIELDS.map(({ key }) => s3?.[key]));
  return (
    <Panel label="snapshots in s3">
      <div className="flex flex-col gap-4 p-3">
        <StoreForm key={place} {...props} />
        {hasStore && secrets.map((secret) => <SecretRow key={secret.field} {...props} secret={secret} />)}
        {hasStore && (
          <p className="max-w-160 text-soft">
            A key is sealed to the workers and nobody reads it back, not even here. The servers get it with
            the next plan. Without both keys the servers themselves must be allowed in.
          </p>
        )}
      </div>
    </Panel>
  );
}

/** The topology with another place of snapshots, or with none. */
function withStore(topology: Topology, s3: StoredPlace | null): TopologyInput {
  const { s3: _, ...others } = topology.etcd.snapshots;
  return { ...topology, etcd: { ...topology.etcd, snapshots: { ...others, ...(s3 && { s3 }) } } };
}

function StoreForm(props: Props) {
  const { siteId, topology, etag, refusal, putTopology } = props;
  const router = useRouter();
  const stored = topology.etcd.snapshots.s3;
  const [form, setForm] = useState(() => ({
    endpoint: stored?.endpoint ?? '',
    bucket: stored?.bucket ?? '',
    region: stored?.region ?? 'us-east-1',
    folder: stored?.folder ?? '',
  }));
  const { run, isBusy, error } = useAction(putTopology);
  const wanted = withStore(topology, form);
  const issues = Topology.safeParse(wanted, { reportInput: true }).error?.issues ?? [];
  const isSame = stored !== undefined && STORE_FIELDS.every(({ key }) => stored[key] === form[key]);
  const isEmpty = form.endpoint === '' || form.bucket === '';
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        run({ siteId, topology: wanted, etag }, ({ revision }) => {
          notify(`Stored as revision ${revision}.`);
          router.refresh();
        });
      }}
    >
      <div className="grid max-w-280 grid-cols-4 items-start gap-2 max-md:grid-cols-2">
        {STORE_FIELDS.map(({ key, label, help }) => {
          const issue = issues.find(({ path }) => path.at(-1) === key);
          return (
            <Field
              key={key}
              label={label}
              help={help}
              error={issue && form[key] !== '' ? toIssueWords(issue) : null}
            >
              {(ids) => (
                <Input
                  {...ids}
                  isMono
                  value={form[key]}
                  onChange={(event) => setForm({ ...form, [key]: event.target.value.trim() })}
                />
              )}
            </Field>
          );
        })}
      </div>
      <ActionErrorPanel error={error} />
      <div className="flex gap-2">
        <Button
          type="submit"
          isBusy={isBusy}
          reason={
            refusal ??
            (isEmpty
              ? 'Type an endpoint and a bucket first.'
              : issues.length > 0
                ? 'Correct the marked fields first.'
                : isSame
                  ? 'Nothing was changed.'
                  : null)
          }
        >
          Store the place
        </Button>
        {stored && <StopButton {...props} />}
      </div>
    </form>
  );
}

/** Takes the place out of the topology, and the references to the keys with it, once that was confirmed. */
function StopButton({ siteId, topology, etag, secrets, refusal, putTopology }: Props) {
  const router = useRouter();
  const [isOpen, setIsOpen] = useState(false);
  const { run, isBusy, error, clear } = useAction(putTopology);
  const close = () => {
    setIsOpen(false);
    clear();
  };
  const stop = () =>
    run({ siteId, topology: withStore(topology, null), etag }, ({ revision }) => {
      close();
      notify(`Stored as revision ${revision}.`);
      router.refresh();
    });
  return (
    <>
      <Button reason={refusal} onClick={() => setIsOpen(true)}>
        Stop using S3
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title="Stop using S3">
        <div className="flex flex-col gap-4">
          <p>
            With the next plan snapshots stay on the servers only.
            {secrets.some(({ version }) => version !== null) &&
              ' This also forgets the keys: to use S3 again, the keys have to be pasted again.'}
          </p>
          <ActionErrorPanel error={error} />
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Cancel</Button>
            <Button look="danger" isBusy={isBusy} onClick={stop}>
              Stop using S3
            </Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}

function SecretRow({
  siteId,
  secret,
  refusal,
  setSiteSecret,
  removeSiteSecret,
}: Props & { readonly secret: SiteSecretView }) {
  const router = useRouter();
  const [value, setValue] = useState('');
  const setting = useAction(setSiteSecret);
  const removing = useAction(removeSiteSecret);
  const { field, setAt, setBy } = secret;
  const label = SECRET_LABELS[field];
  const told = (words: string) => () => {
    notify(words);
    setValue('');
    router.refresh();
  };
  return (
    <form
      aria-label={label}
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        setting.run({ siteId, field, value }, told(`${label} stored.`));
      }}
    >
      <Field
        label={label}
        className="max-w-160"
        help={
          setAt ? (
            <>
              Set <RelativeTime at={setAt} /> by {setBy}.
            </>
          ) : (
            'Not set.'
          )
        }
        error={setting.error?.fields?.value}
      >
        {(ids) => (
          <Input
            {...ids}
            isMono
            type="password"
            autoComplete="off"
            placeholder={setAt ? 'Paste another one to replace it' : ''}
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <ActionErrorPanel error={setting.error ?? removing.error} />
      <div className="flex gap-2">
        <Button
          type="submit"
          isBusy={setting.isBusy}
          reason={refusal ?? (value === '' ? 'Paste the key first.' : null)}
        >
          {setAt ? 'Replace' : 'Store'} the {label.toLowerCase()}
        </Button>
        {setAt && (
          <Button
            isBusy={removing.isBusy}
            reason={refusal}
            onClick={() => removing.run({ siteId, field }, told(`${label} removed.`))}
          >
            Remove the {label.toLowerCase()}
          </Button>
        )}
      </div>
    </form>
  );
}
