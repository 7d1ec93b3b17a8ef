import type { Metadata } from 'next';
import { orNotFound } from '@/app/or-not-found';
import { KubeconfigButton } from '@/components/settings/kubeconfig-button';
import { toKubeconfigRefusal } from '@/components/settings/kubeconfig-refusal';
import { SiteSettings } from '@/components/settings/site-settings';
import { can } from '@/lib/access/can';
import { requireUser } from '@/lib/auth/session';
import { getSite } from '@/lib/services/sites/get-site';
import { deleteSite, renameSite, startKubeconfig } from '../actions';

export const metadata: Metadata = { title: 'Site settings' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function SiteSettingsPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/settings', { siteId });
  const site = await orNotFound(getSite(ctx, { siteId }));
  const { grants } = ctx.actor;
  const [mayEdit, mayDelete] = [can(grants, 'site.edit', siteId), can(grants, 'site.delete', siteId)];
  return (
    <div className="flex flex-col gap-3">
      <h1>Settings of {site.name}</h1>
      <SiteSettings
        key={site.name}
        site={site}
        editRefusal={mayEdit.allowed ? null : mayEdit.reason}
        deleteRefusal={mayDelete.allowed ? null : mayDelete.reason}
        renameSite={renameSite}
        deleteSite={deleteSite}
        kubeconfig={
          <KubeconfigButton
            siteId={siteId}
            siteName={site.name}
            refusal={toKubeconfigRefusal(grants, site)}
            startKubeconfig={startKubeconfig}
          />
        }
      />
    </div>
  );
}
