'use client';
import Link from 'next/link';
import { useSearchParams } from 'next/navigation';
import { useMemo } from 'react';
import type { ReactNode } from 'react';
import { toDrawing } from '@/lib/diagram/to-drawing';
import type { SiteView } from '@/lib/topology/site-view';
import type { TopologyView } from '@/lib/topology/topology-view';
import { LiveDrawing } from '@/components/diagram/live-drawing';
import { findSiteNow } from '@/components/live/site-now';
import { useSite } from '@/components/live/use-live';
import { useServerNow } from '@/components/live/use-server-now';
import { buttonClass } from '@/components/ui/button-class';
import { EmptyState } from '@/components/ui/panels';
import { Inspector } from './inspector';

interface Props {
  readonly site: SiteView;
  readonly view: TopologyView;
  /** Buttons of other features: kubeconfig, YAML. */
  readonly actions: ReactNode;
  readonly mayEdit: boolean;
}

/** The drawing of a site, live, with an inspector for what is chosen; the choice is in the URL. */
export function TopologyScreen({ site: initialSite, view, actions, mayEdit }: Props) {
  const search = useSearchParams();
  const site = useSite(initialSite);
  const nowMs = useServerNow();
  const selectedId = search.get('node');
  const now = site && findSiteNow(site);
  const drawing = useMemo(
    () =>
      toDrawing(
        {
          name: site?.name ?? initialSite.name,
          topology: view.topology,
          revision: view.revision,
          appliedRevision: site?.appliedRevision ?? null,
          drawnBy: view.createdBy,
          date: view.createdAt.slice(0, 10),
          now,
          activeRun: site?.activeRun ?? null,
        },
        nowMs,
      ),
    [site, initialSite.name, view, now, nowMs],
  );
  const select = (id: string | null) => {
    const query = id === null ? '' : `?node=${encodeURIComponent(id)}`;
    window.history.replaceState(null, '', `/sites/${initialSite.id}/topology${query}`);
  };
  if (!site) return <EmptyState title="This site was deleted">Its hosts are as they were.</EmptyState>;
  const node = view.topology.nodes.find((each) => each.id === selectedId) ?? null;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        {mayEdit && (
          <Link href={`/sites/${site.id}/plan`} className={buttonClass({ look: 'primary' })}>
            Plan changes
          </Link>
        )}
        {actions}
        {site.activeRun && (
          <Link href={`/runs/${site.activeRun.id}`} className={buttonClass({})}>
            Open the run
          </Link>
        )}
      </div>
      <div className="flex min-h-0 flex-1 gap-3">
        <LiveDrawing
          drawing={drawing}
          selectedId={selectedId}
          onSelect={select}
          className="min-h-140 min-w-0 flex-1"
        />
        {node && (
          <Inspector
            node={node}
            now={now?.nodes.find((each) => each.nodeId === node.id) ?? null}
            mark={drawing.nodes.find((each) => each.id === node.id)?.state ?? null}
            onClose={() => select(null)}
          />
        )}
      </div>
    </div>
  );
}
