'use client';
import { useRouter } from 'next/navigation';
import { startTransition, useCallback } from 'react';
import { PageFailure } from '@/components/ui/page-failure';

interface Props {
  readonly error: Error & { digest?: string };
  readonly reset: () => void;
}

export default function PageError({ error, reset }: Props) {
  const router = useRouter();
  // Only both together ask the server once more and leave this page.
  const retry = useCallback(() => {
    startTransition(() => {
      router.refresh();
      reset();
    });
  }, [router, reset]);
  return <PageFailure title="This page could not be shown." digest={error.digest} onRetry={retry} />;
}
