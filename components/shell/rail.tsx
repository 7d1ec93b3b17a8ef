'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';
import { PanelLeft } from 'lucide-react';
import { useSites } from '@/components/live/use-live';
import { cx } from '@/components/ui/cx';
import { Logo } from './logo';
import { findSiteId, MAIN_NAV, toSiteNav } from './navigation';
import type { NavEntry } from './navigation';
import { storePreference } from './preferences';

/** The left rail: icon and word; a site opens its own pages below. */
export function Rail({ isNarrow: wasNarrow }: { readonly isNarrow: boolean }) {
  const [isNarrow, setIsNarrow] = useState(wasNarrow);
  const pathname = usePathname();
  const siteId = findSiteId(pathname);
  const site = useSites().find((each) => each.id === siteId);
  const toggle = () => {
    storePreference('rail', isNarrow ? 'wide' : 'narrow');
    setIsNarrow(!isNarrow);
  };
  return (
    <div
      className={cx(
        'sticky top-0 flex h-screen shrink-0 flex-col border-r border-line bg-paper',
        isNarrow ? 'w-18' : 'w-18 sm:w-44',
      )}
    >
      <nav aria-label="Main">
        <Link
          href="/"
          aria-label="Siteplan, fleet"
          className="flex h-11 items-center gap-2 border-b border-line px-3"
        >
          <Logo />
          {!isNarrow && <span className="text-15 font-semibold max-sm:hidden">Siteplan</span>}
        </Link>
        <div className="py-2">
          <NavList entries={MAIN_NAV} pathname={pathname} isNarrow={isNarrow} />
        </div>
      </nav>
      {siteId && (
        <nav aria-label="Site" className="border-t border-grid py-2">
          <p
            className={cx('drawn-label truncate px-3 pb-1', isNarrow ? 'text-center' : 'max-sm:text-center')}
            title={site?.name}
          >
            {site?.name ?? siteId}
          </p>
          <NavList entries={toSiteNav(siteId)} pathname={pathname} isNarrow={isNarrow} />
        </nav>
      )}
      <button
        type="button"
        onClick={toggle}
        aria-expanded={!isNarrow}
        className={cx(
          'mt-auto flex h-9 items-center gap-2 border-t border-grid px-3 text-soft hover:text-ink max-sm:hidden',
          isNarrow && 'justify-center',
        )}
      >
        <PanelLeft aria-hidden className="size-4" />
        <span className={cx(isNarrow && 'sr-only')}>{isNarrow ? 'Widen the rail' : 'Narrow'}</span>
      </button>
    </div>
  );
}

/** An entry of the narrow rail; on a narrow screen every rail is one. */
const ICON_ABOVE = 'h-12 flex-col items-center justify-center gap-0.5 text-11';

interface NavListProps {
  readonly entries: readonly NavEntry[];
  readonly pathname: string;
  readonly isNarrow: boolean;
}

function NavList({ entries, pathname, isNarrow }: NavListProps) {
  return (
    <ul>
      {entries.map(({ href, word, icon: Icon, isExact }) => {
        const isHere = pathname === href || (!isExact && pathname.startsWith(`${href}/`));
        return (
          <li key={href}>
            <Link
              href={href}
              aria-current={isHere ? 'page' : undefined}
              className={cx(
                'flex border-l-2',
                isNarrow
                  ? ICON_ABOVE
                  : 'h-8 items-center gap-2.5 px-3 max-sm:h-12 max-sm:flex-col max-sm:justify-center max-sm:gap-0.5 max-sm:px-0 max-sm:text-11',
                isHere
                  ? 'border-accent bg-raised font-medium'
                  : 'border-transparent text-soft hover:text-ink',
              )}
            >
              <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.5} />
              {word}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
