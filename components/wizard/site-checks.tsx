'use client';
import Link from 'next/link';
import type { PreflightView } from '@/lib/run/preflight-view';
import { buttonClass } from '@/components/ui/button-class';
import type { CheckActions } from './actions';
import type { NamedNode } from './checks-panel';
import { ChecksPanel } from './checks-panel';
import { ALL_CELLS, useChecks } from './use-checks';

interface Props {
  readonly siteId: string;
  readonly siteName: string;
  readonly nodes: readonly NamedNode[];
  readonly checks: PreflightView;
  /** Why this person may not run checks, or override them. */
  readonly runRefusal: string | null;
  readonly overrideRefusal: string | null;
  readonly actions: CheckActions;
}

/** The checks of a site on a page of their own, with the whole width for the matrix. */
export function SiteChecks(props: Props) {
  const { siteId, siteName, nodes, actions } = props;
  const checks = useChecks(siteId, actions.startPreflight, props.checks);
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <h1>Checks of {siteName}</h1>
        <Link href={`/sites/${siteId}/plan`} className={buttonClass({ className: 'ml-auto' })}>
          Go to the plan
        </Link>
      </div>
      <ChecksPanel
        nodes={nodes}
        checks={checks}
        actions={actions}
        runReason={props.runRefusal}
        overrideReason={props.overrideRefusal}
        onRunAll={() => checks.run(siteId, ALL_CELLS)}
      />
    </div>
  );
}
