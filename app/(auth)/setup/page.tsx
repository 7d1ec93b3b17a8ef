import type { Metadata } from 'next';
import Link from 'next/link';
import { SetupForm } from '@/components/shell/setup-form';
import { buttonClass } from '@/components/ui/button-class';
import { publicPage } from '@/lib/auth/session';
import { findSetup } from '@/lib/auth/setup';
import { finishSetup } from './actions';

export const metadata: Metadata = { title: 'Set up' };

interface Props {
  readonly searchParams: Promise<{ readonly token?: string | string[] }>;
}

export default async function SetupPage({ searchParams }: Props) {
  await publicPage('page /setup');
  const { token } = await searchParams;
  const setup = typeof token === 'string' ? await findSetup(token) : null;
  if (!setup || typeof token !== 'string') {
    return (
      <>
        <h1 className="mb-2">This link does not work</h1>
        <p className="mb-4 text-soft">
          A set-up link works once. Ask an administrator for a new one, or start Siteplan again to print one
          while there is no administrator.
        </p>
        <Link href="/login" className={buttonClass()}>
          Sign in
        </Link>
      </>
    );
  }
  return (
    <SetupForm token={token} invite={setup.kind === 'invite' ? setup : null} finishSetup={finishSetup} />
  );
}
