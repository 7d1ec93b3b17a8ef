'use client';
import { Search } from 'lucide-react';
import dynamic from 'next/dynamic';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useCallback, useState } from 'react';
import { ConnectionBadge } from '@/components/live/connection-badge';
import { useRuns, useSites } from '@/components/live/use-live';
import { cx } from '@/components/ui/cx';
import { StateMark } from '@/components/ui/state-mark';
import { toCount } from '@/lib/core/text';
import { toCrumbs } from './navigation';
import { useSearchKey } from './use-search-key';
import { UserMenu } from './user-menu';
import type { UserMenuProps } from './user-menu';

const SearchPalette = dynamic(() => import('./search-palette').then((module) => module.SearchPalette), {
  ssr: false,
});

/** Where one is, search, what runs, whether the page is live, and who one is. */
export function Header(props: UserMenuProps) {
  const pathname = usePathname();
  const sites = useSites();
  const [isSearching, setIsSearching] = useState(false);
  const openSearch = useCallback(() => setIsSearching(true), []);
  useSearchKey(openSearch);
  const crumbs = toCrumbs(pathname, (siteId) => sites.find((site) => site.id === siteId)?.name ?? null);
  return (
    <header className="sticky top-0 z-30 flex h-11 items-center gap-2 border-b border-line bg-paper px-2 sm:gap-4 sm:px-4">
      <nav aria-label="Breadcrumb" className="min-w-0 flex-1 overflow-hidden">
        <ol className="flex min-w-0 items-center gap-2">
          {crumbs.map((crumb, index) => (
            <li
              key={crumb.word + index}
              className={cx(
                'flex items-center gap-2',
                index === crumbs.length - 1 ? 'min-w-0' : 'shrink-0 max-sm:hidden',
              )}
            >
              {index > 0 && (
                <span aria-hidden className="text-soft max-sm:hidden">
                  /
                </span>
              )}
              {crumb.href ? (
                <Link href={crumb.href} className="max-w-48 truncate text-soft hover:text-ink">
                  {crumb.word}
                </Link>
              ) : (
                <span aria-current="page" className="truncate font-medium">
                  {crumb.word}
                </span>
              )}
            </li>
          ))}
        </ol>
      </nav>
      <button
        type="button"
        onClick={openSearch}
        aria-keyshortcuts="Control+K Meta+K"
        className="flex h-7 shrink-0 items-center gap-2 rounded-2 border border-line bg-raised px-2 text-soft hover:border-ink md:w-64"
      >
        <Search aria-hidden className="size-3.5" />
        <span className="max-sm:sr-only">Search</span>
        <kbd className="drawn-label ml-auto max-md:hidden">Ctrl K</kbd>
      </button>
      <ActiveRuns />
      <ConnectionBadge />
      <UserMenu {...props} />
      {isSearching && <SearchPalette onClose={() => setIsSearching(false)} />}
    </header>
  );
}

/** Runs that are queued or under way; one press opens them. */
function ActiveRuns() {
  const active = useRuns().filter((run) => run.state === 'queued' || run.state === 'running');
  const [only] = active;
  if (!only) return null;
  const href = active.length === 1 ? `/runs/${only.id}` : '/runs';
  return (
    <Link
      href={href}
      className="flex shrink-0 items-center rounded-2 border border-line px-2 py-0.5 whitespace-nowrap text-provisioning hover:border-ink"
    >
      <StateMark shape="half-circle" ink="provisioning" turns word={toCount(active.length, 'run')} />
      {active.length === 1 && (
        <span className="max-sm:sr-only">
          , {only.stepsDone} of {only.steps}
        </span>
      )}
    </Link>
  );
}
