'use client';
import { useRef, useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import type { JobView, KubeconfigResult } from '@/lib/run/job-view';
import { makeOneTimeKey } from '@/components/live/open-sealed';
import type { OneTimeKey } from '@/components/live/open-sealed';
import { useJob } from '@/components/live/use-live';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { ErrorPanel } from '@/components/ui/panels';
import { useAction } from '@/components/ui/use-action';

interface Props {
  readonly siteId: string;
  readonly siteName: string;
  /** Why the viewer may not have it, or why there is none yet; null when they may. */
  readonly refusal: string | null;
  readonly startKubeconfig: (input: {
    siteId: string;
    publicKey: string;
  }) => Promise<ActionResult<{ jobId: string }>>;
}

/**
 * Hands the kubeconfig over: this browser makes a key that is used once, a worker seals the file to it, and only this
 * browser can open it. The server never sees the file in the clear.
 */
export function KubeconfigButton({ siteId, siteName, refusal, startKubeconfig }: Props) {
  const key = useRef<OneTimeKey | null>(null);
  const [jobId, setJobId] = useState<string | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const start = useAction(startKubeconfig);
  const job = useJob(jobId);
  const begin = async () => {
    setIsOpen(true);
    setJobId(null);
    if (!window.isSecureContext) return; // the dialog says why
    key.current = await makeOneTimeKey();
    start.run({ siteId, publicKey: key.current.publicKey }, (value) => setJobId(value.jobId));
  };
  return (
    <>
      <Button reason={refusal} onClick={() => void begin()}>
        Kubeconfig
      </Button>
      <Dialog isOpen={isOpen} onClose={() => setIsOpen(false)} title={`Kubeconfig of ${siteName}`}>
        <p className="mb-3">
          Whoever holds this file is administrator of the cluster. Handing it over is written into the audit.
        </p>
        <ActionErrorPanel error={start.error} />
        {isOpen && !window.isSecureContext && (
          <ErrorPanel title="This browser makes keys over https only.">Open Siteplan by https.</ErrorPanel>
        )}
        {job?.failure && <ErrorPanel title={job.failure.message}>{job.failure.nextAction}</ErrorPanel>}
        {!start.error && !job?.failure && (
          <Ready job={job} fileName={`${siteName}.yaml`} open={(sealed) => key.current?.open(sealed)} />
        )}
      </Dialog>
    </>
  );
}

interface ReadyProps {
  readonly job: JobView | null;
  readonly fileName: string;
  readonly open: (sealed: string) => Promise<Uint8Array> | undefined;
}

function Ready({ job, fileName, open }: ReadyProps) {
  const [error, setError] = useState<string | null>(null);
  const result = (job?.result as KubeconfigResult | null | undefined) ?? null; // the worker checks it against its schema
  const save = async () => {
    if (!result) return;
    const bytes = await open(result.sealed)?.catch(() => null);
    if (!bytes)
      return setError('The file was sealed for another page than this one. Close this and ask again.');
    saveFile(bytes, fileName);
  };
  if (error) return <ErrorPanel title={error} />;
  return (
    <div className="flex items-center gap-3">
      <Button look="primary" isBusy={!result} onClick={() => void save()}>
        Download
      </Button>
      <span role="status" className="text-soft">
        {result ? 'Opened in this browser only.' : job?.progress || 'a worker seals it to this browser'}
      </span>
    </div>
  );
}

/** Offers bytes as a file, without keeping them anywhere. */
function saveFile(bytes: Uint8Array, fileName: string): void {
  const url = URL.createObjectURL(new Blob([bytes.slice()], { type: 'application/yaml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
