import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { toPreferences } from '@/components/shell/preferences';
import './fonts.css';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Siteplan', template: '%s · Siteplan' },
  description: 'Draw, build and watch RKE2 clusters.',
  robots: { index: false, follow: false },
};

export const viewport: Viewport = { colorScheme: 'light dark' };

/** The theme is read from a cookie on the server, so that the first frame already has it. */
export default async function RootLayout({ children }: { readonly children: ReactNode }) {
  const jar = await cookies();
  const { theme } = toPreferences((name) => jar.get(name)?.value);
  return (
    <html lang="en" {...(theme !== 'system' && { 'data-theme': theme })} suppressHydrationWarning>
      <body>{children}</body>
    </html>
  );
}
