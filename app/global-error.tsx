'use client';
import './globals.css';
import { PageFailure } from '@/components/ui/page-failure';

interface Props {
  readonly error: Error & { digest?: string };
}

const reload = () => window.location.reload();

/** Shown when even the frame of the app could not be made. */
export default function GlobalError({ error }: Props) {
  return (
    <html lang="en">
      <title>Siteplan: not now</title>
      <body className="p-8">
        <PageFailure title="Siteplan could not show this page." digest={error.digest} onRetry={reload} />
      </body>
    </html>
  );
}
