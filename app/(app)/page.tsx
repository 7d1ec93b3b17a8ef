import type { Metadata } from 'next';
import { FleetScreen } from '@/components/fleet/fleet-screen';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { listSites } from '@/lib/services/sites/list-sites';

export const metadata: Metadata = { title: 'Fleet' };

export default async function FleetPage() {
  const ctx = await requireUser('page /');
  const sites = await listSites(ctx);
  const mayCreate = can(ctx.actor.grants, 'site.create');
  return <FleetScreen sites={sites} refusal={mayCreate.allowed ? null : mayCreate.reason} />;
}
