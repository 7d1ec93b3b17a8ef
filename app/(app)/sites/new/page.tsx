import { redirect } from 'next/navigation';
import { requireUser } from '@/lib/auth/session';

export default async function NewSitePage() {
  await requireUser('page /sites/new');
  redirect('/sites/new/shape');
}
