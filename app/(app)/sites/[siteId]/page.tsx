import { redirect } from 'next/navigation';
import { requireUser } from '@/lib/auth/session';

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function SitePage({ params }: Props) {
  const { siteId } = await params;
  await requireUser('page /sites/[siteId]', { siteId });
  redirect(`/sites/${siteId}/topology`);
}
