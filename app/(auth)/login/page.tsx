import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { LoginForm } from '@/components/shell/login-form';
import { publicPage } from '@/lib/auth/session';
import { signIn, verifyTwoFactor } from './actions';

export const metadata: Metadata = { title: 'Sign in' };

interface Props {
  readonly searchParams: Promise<{ readonly next?: string | string[] }>;
}

export default async function LoginPage({ searchParams }: Props) {
  const { user } = await publicPage('page /login');
  if (user) redirect('/');
  const { next } = await searchParams;
  return (
    <LoginForm
      next={typeof next === 'string' ? next : '/'}
      signIn={signIn}
      verifyTwoFactor={verifyTwoFactor}
    />
  );
}
