'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cx } from '@/components/ui/cx';

export interface SettingsEntry {
  readonly href: string;
  readonly word: string;
}

/** Pages of the settings that the viewer may open. */
export function SettingsNav({ entries }: { readonly entries: readonly SettingsEntry[] }) {
  const pathname = usePathname();
  return (
    <nav aria-label="Settings">
      <ul className="flex overflow-x-auto border-b border-line whitespace-nowrap">
        {entries.map((entry) => (
          <li key={entry.href}>
            <Link
              href={entry.href}
              aria-current={pathname === entry.href ? 'page' : undefined}
              className={cx(
                'flex h-9 items-center border-b-2 px-3',
                pathname === entry.href
                  ? 'border-accent font-medium'
                  : 'border-transparent text-soft hover:text-ink',
              )}
            >
              {entry.word}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
