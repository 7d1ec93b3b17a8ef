import type { ReactNode } from 'react';
import { Logo } from '@/components/shell/logo';

/** A sheet of squared paper with one form on it. */
export default function AuthLayout({ children }: { readonly children: ReactNode }) {
  return (
    <main className="squared flex min-h-screen items-center justify-center p-6">
      <div className="w-96 max-w-full border border-ink bg-paper">
        <div className="flex items-center gap-2 border-b border-line px-5 py-3">
          <Logo className="size-6" />
          <span className="text-15 font-semibold">Siteplan</span>
          <span className="drawn-label ml-auto">rke2 control plane</span>
        </div>
        <div className="p-5">{children}</div>
      </div>
    </main>
  );
}
