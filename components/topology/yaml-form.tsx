'use client';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { isAppError } from '@/lib/core/errors';
import { toOpaqueId, NodeId } from '@/lib/core/ids';
import { checkTopology } from '@/lib/rules/check-topology';
import { formatTopology } from '@/lib/topology/format-topology';
import { parseTopology } from '@/lib/topology/parse-topology';
import type { Topology, TopologyInput } from '@/lib/topology/topology';
import type { TopologyView } from '@/lib/topology/topology-view';
import { ActionErrorPanel } from '@/components/ui/action-error';
import { Button } from '@/components/ui/button';
import { Field } from '@/components/ui/field';
import { Textarea } from '@/components/ui/input';
import { useAction } from '@/components/ui/use-action';

export interface YamlProps {
  readonly view: TopologyView;
  /** Why the viewer may not change the topology; null when they may. */
  readonly refusal: string | null;
  readonly putTopology: (input: {
    siteId: string;
    topology: TopologyInput;
    etag: string;
  }) => Promise<ActionResult<{ revision: number; etag: string }>>;
}

function readTopology(text: string, previous: Topology): Topology | string {
  try {
    const newId = () => NodeId.parse(toOpaqueId('n', crypto.getRandomValues(new Uint8Array(12))));
    return parseTopology(text, { previous, newId });
  } catch (error) {
    if (isAppError(error)) return error.message;
    throw error;
  }
}

/** The document as YAML with the schema's and the rules' word on it. */
export function YamlForm({
  view,
  refusal,
  putTopology,
  onDone,
}: YamlProps & { readonly onDone: () => void }) {
  const router = useRouter();
  const [text, setText] = useState(() => formatTopology(view.topology));
  const read = useMemo(() => readTopology(text, view.topology), [text, view.topology]);
  const save = useAction(putTopology);
  const problem = typeof read === 'string' ? read : null;
  const errors =
    typeof read === 'string' ? [] : checkTopology(read).filter((finding) => finding.severity === 'error');
  return (
    <div className="flex flex-col gap-3">
      <Field
        label="YAML"
        help="Fields that are left out have their defaults. Storing makes a new revision; hosts change only by a plan."
        error={problem}
      >
        {(ids) => (
          <Textarea
            {...ids}
            isMono
            rows={22}
            readOnly={refusal !== null}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      {errors.length > 0 && (
        <ul className="text-down">
          {errors.map((finding) => (
            <li key={finding.ruleId + finding.path.join('.')}>{finding.message}</li>
          ))}
        </ul>
      )}
      <ActionErrorPanel error={save.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Close</Button>
        {refusal === null && (
          <Button
            look="primary"
            isBusy={save.isBusy}
            reason={problem ? 'Correct the document first.' : null}
            onClick={() =>
              typeof read !== 'string' &&
              save.run({ siteId: view.siteId, topology: read, etag: view.etag }, () => {
                onDone();
                router.refresh();
              })
            }
          >
            Store as a new revision
          </Button>
        )}
      </div>
    </div>
  );
}
