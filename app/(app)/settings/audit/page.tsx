import type { Metadata } from 'next';
import { AuditTable } from '@/components/settings/audit-table';
import { requireUser } from '@/lib/auth/session';
import { listAudit } from '@/lib/services/audit/list-audit';
import { verifyAudit } from '../actions';

export const metadata: Metadata = { title: 'Audit' };

interface Props {
  readonly searchParams: Promise<{ readonly before?: string | string[] }>;
}

export default async function AuditPage({ searchParams }: Props) {
  const ctx = await requireUser('page /settings/audit');
  const { before } = await searchParams;
  const { entries, next } = await listAudit(ctx, {
    ...(typeof before === 'string' && { before }),
    limit: 200,
  });
  return (
    <>
      <h1 className="sr-only">Audit</h1>
      <AuditTable
        entries={entries}
        olderHref={next === null ? null : `/settings/audit?before=${encodeURIComponent(next)}`}
        verifyAudit={verifyAudit}
      />
    </>
  );
}
