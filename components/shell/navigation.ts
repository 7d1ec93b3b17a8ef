import { FolderKanban, LayoutGrid, ListChecks, Network, Server, Settings } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';

export interface NavEntry {
  readonly href: string;
  readonly word: string;
  readonly icon: LucideIcon;
  /** True when only the exact path counts as being there. */
  readonly isExact?: boolean;
}

export const MAIN_NAV: readonly NavEntry[] = [
  { href: '/', word: 'Fleet', icon: LayoutGrid, isExact: true },
  { href: '/runs', word: 'Runs', icon: ListChecks },
  { href: '/settings', word: 'Settings', icon: Settings },
];

/** What a site opens in the rail. */
export function toSiteNav(siteId: string): readonly NavEntry[] {
  const base = `/sites/${siteId}`;
  return [
    { href: `${base}/topology`, word: 'Topology', icon: Network },
    { href: `${base}/nodes`, word: 'Nodes', icon: Server },
    { href: `${base}/runs`, word: 'Runs', icon: ListChecks },
    { href: `${base}/settings`, word: 'Settings', icon: FolderKanban },
  ];
}

/** The site that a path belongs to, or null. */
export function findSiteId(pathname: string): string | null {
  const match = /^\/sites\/([^/]+)/.exec(pathname);
  return match?.[1] && match[1] !== 'new' ? match[1] : null;
}

export interface Crumb {
  readonly word: string;
  readonly href: string | null;
}

const WORDS: Readonly<Record<string, string>> = {
  runs: 'Runs',
  settings: 'Settings',
  topology: 'Topology',
  nodes: 'Nodes',
  plan: 'Plan',
  preflight: 'Checks',
  credentials: 'Credentials',
  users: 'Users',
  tokens: 'API tokens',
  audit: 'Audit',
};

/** The way to a page; `siteName` gives a site its name. The last crumb is the page itself and no link. */
export function toCrumbs(pathname: string, siteName: (siteId: string) => string | null): readonly Crumb[] {
  const parts = pathname.split('/').filter(Boolean);
  if (parts.length === 0) return [{ word: 'Fleet', href: null }];
  const crumbs: Crumb[] = [];
  const [first = '', second, ...rest] = parts;
  if (first === 'sites') {
    crumbs.push({ word: 'Fleet', href: '/' });
    if (second === 'new') crumbs.push({ word: 'New site', href: null });
    else if (second) crumbs.push({ word: siteName(second) ?? second, href: `/sites/${second}/topology` });
    if (second !== 'new' && rest[0]) crumbs.push({ word: WORDS[rest[0]] ?? rest[0], href: null });
  } else {
    crumbs.push({ word: WORDS[first] ?? first, href: `/${first}` });
    if (second) crumbs.push({ word: WORDS[second] ?? second, href: null });
  }
  return crumbs.map((crumb, index) => (index === crumbs.length - 1 ? { ...crumb, href: null } : crumb));
}
