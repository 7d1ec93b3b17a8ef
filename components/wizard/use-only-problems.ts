'use client';
import { useSearchParams } from 'next/navigation';
import { useState } from 'react';

/** Whether rows without problems are left out; stands in the URL, so that a link shows the same. */
export function useOnlyProblems(): [boolean, (isOnly: boolean) => void] {
  const search = useSearchParams();
  // The URL follows a moment later, and a tick must not wait for it.
  const [isOnly, setIsOnly] = useState(search.get('show') === 'problems');
  const set = (wanted: boolean) => {
    setIsOnly(wanted);
    const next = new URLSearchParams(search);
    if (wanted) next.set('show', 'problems');
    else next.delete('show');
    const query = next.size > 0 ? `?${next.toString()}` : '';
    window.history.replaceState(null, '', `${window.location.pathname}${query}`);
  };
  return [isOnly, set];
}
