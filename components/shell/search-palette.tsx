'use client';
import { useQueries } from '@tanstack/react-query';
import { Command } from 'cmdk';
import { useRouter } from 'next/navigation';
import type { ReactNode } from 'react';
import type { Topology } from '@/lib/topology/topology';
import { useRuns, useSites } from '@/components/live/use-live';
import { useModal } from '@/components/ui/use-modal';
import { applyTheme } from './preferences';

/** So many sites are searched for nodes; a larger fleet is found by its sites' names. */
const MAX_SITES_WITH_NODES = 50;
const ITEM = 'flex h-8 items-center justify-between gap-3 px-3 data-[selected=true]:bg-grid';
const GROUP =
  '[&_[cmdk-group-heading]]:drawn-label [&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-2';

interface NodeHit {
  readonly siteId: string;
  readonly siteName: string;
  readonly nodeId: string;
  readonly name: string;
  readonly address: string;
}

/** Ctrl K: sites, nodes, runs and actions by typing. */
export function SearchPalette({ onClose }: { readonly onClose: () => void }) {
  const ref = useModal(true);
  const router = useRouter();
  const sites = useSites();
  const runs = useRuns();
  const nodes = useNodeHits();
  const go = (href: string) => {
    onClose();
    router.push(href);
  };
  return (
    <dialog
      ref={ref}
      aria-label="Search"
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
      className="floating mt-[12vh] w-150 max-w-[94vw] rounded-2 border border-ink bg-raised p-0 text-ink"
    >
      <Command label="Search">
        <Command.Input
          autoFocus
          placeholder="Search sites, nodes, runs, actions"
          className="h-11 w-full border-b border-grid bg-transparent px-3 text-15 outline-none placeholder:text-soft"
        />
        <Command.List className="max-h-[50vh] overflow-auto py-1">
          <Command.Empty className="px-3 py-4 text-soft">Nothing found.</Command.Empty>
          <Command.Group heading="sites" className={GROUP}>
            {sites.map((site) => (
              <Item
                key={site.id}
                id={site.id}
                words={site.name}
                onSelect={() => go(`/sites/${site.id}/topology`)}
              >
                {site.name}
                <span className="drawn-label">{site.rke2Version}</span>
              </Item>
            ))}
          </Command.Group>
          <Command.Group heading="nodes" className={GROUP}>
            {nodes.map((node) => (
              <Item
                key={node.nodeId}
                id={node.nodeId}
                words={`${node.name} ${node.address} ${node.siteName}`}
                onSelect={() => go(`/sites/${node.siteId}/topology?node=${node.nodeId}`)}
              >
                <span className="font-mono">{node.name}</span>
                <span className="drawn-label">
                  {node.address} · {node.siteName}
                </span>
              </Item>
            ))}
          </Command.Group>
          <Command.Group heading="runs" className={GROUP}>
            {runs.slice(0, 20).map((run) => (
              <Item
                key={run.id}
                id={run.id}
                words={`${run.id} ${run.siteName} ${run.kind} ${run.state}`}
                onSelect={() => go(`/runs/${run.id}`)}
              >
                {run.kind} on {run.siteName}
                <span className="drawn-label">
                  {run.state} · {run.id}
                </span>
              </Item>
            ))}
          </Command.Group>
          <Command.Group heading="actions" className={GROUP}>
            <Item id="new-site" words="new site create" onSelect={() => go('/sites/new/shape')}>
              New site
            </Item>
            <Item
              id="credentials"
              words="add credential key password"
              onSelect={() => go('/settings/credentials')}
            >
              Add credential
            </Item>
            <Item id="dark" words="theme dark blueprint" onSelect={() => applyTheme('dark')}>
              Use the dark theme
            </Item>
            <Item id="light" words="theme light paper" onSelect={() => applyTheme('light')}>
              Use the light theme
            </Item>
          </Command.Group>
        </Command.List>
      </Command>
    </dialog>
  );
}

interface ItemProps {
  readonly id: string;
  readonly words: string;
  readonly onSelect: () => void;
  readonly children: ReactNode;
}

function Item({ id, words, onSelect, children }: ItemProps) {
  return (
    <Command.Item value={`${words} ${id}`} onSelect={onSelect} className={ITEM}>
      {children}
    </Command.Item>
  );
}

/** Nodes of the sites, read when the search is first opened. */
function useNodeHits(): readonly NodeHit[] {
  const sites = useSites().slice(0, MAX_SITES_WITH_NODES);
  return useQueries({
    queries: sites.map((site) => ({
      queryKey: ['topology', site.id, site.revision],
      queryFn: async (): Promise<readonly NodeHit[]> => {
        const response = await fetch(`/api/v1/sites/${encodeURIComponent(site.id)}/topology`);
        if (!response.ok) return [];
        const { topology } = (await response.json()) as { topology: Topology }; // our own server's shape
        return topology.nodes.map((node) => ({
          siteId: site.id,
          siteName: site.name,
          nodeId: node.id,
          name: node.name,
          address: node.internalIp,
        }));
      },
    })),
    combine: (results) => results.flatMap((result) => result.data ?? []),
  });
}
