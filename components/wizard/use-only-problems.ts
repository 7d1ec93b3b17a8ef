'use client';
import { useSearchParams } from 'next/navigation';

/** Whether rows without problems are left out; stands in the URL, so that a link shows the same. */
export function useOnlyProblems(): [boolean, (isOnly: boolean) => void] {
  const search = useSearchParams();
  const set = (isOnly: boolean) => {
    const next = new URLSearchParams(search);
    if (isOnly) next.set('show', 'problems');
    else next.delete('show');
    const query = next.size > 0 ? `?${next.toString()}` : '';
    window.history.replaceState(null, '', `${window.location.pathname}${query}`);
  };
  return [search.get('show') === 'problems', set];
}
