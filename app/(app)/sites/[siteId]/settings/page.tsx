import type { Metadata } from 'next';
import { createCredential } from '@/app/(app)/sites/new/actions';
import { offersAgent } from '@/app/offers-agent';
import { orNotFound } from '@/app/or-not-found';
import { KubeconfigButton } from '@/components/settings/kubeconfig-button';
import { toKubeconfigRefusal } from '@/components/settings/kubeconfig-refusal';
import { SiteSettings } from '@/components/settings/site-settings';
import { SnapshotStore } from '@/components/settings/snapshot-store';
import { SiteHostKeys } from '@/components/wizard/site-host-keys';
import { can } from '@/lib/access/can';
import type { Permission } from '@/lib/access/permission';
import { requireUser } from '@/lib/auth/session';
import { listCredentials } from '@/lib/services/credentials/list-credentials';
import { listHostKeys } from '@/lib/services/host-keys/list-host-keys';
import { findLatestJob } from '@/lib/services/jobs/find-latest-job';
import { listSiteSecrets } from '@/lib/services/site-secrets/list-site-secrets';
import { getSite } from '@/lib/services/sites/get-site';
import { getTopology } from '@/lib/services/topology/get-topology';
import {
  approveHostKey,
  deleteSite,
  importKnownHostsAction,
  putTopology,
  renameSite,
  revokeHostKey,
  startKubeconfig,
  startScan,
} from '../actions';
import { toReachedNodes } from '../to-reached-nodes';
import { AccessScreen } from './access-screen';
import { removeSiteSecretAction, setSiteSecretAction } from './actions';

export const metadata: Metadata = { title: 'Site settings' };

interface Props {
  readonly params: Promise<{ readonly siteId: string }>;
}

export default async function SiteSettingsPage({ params }: Props) {
  const { siteId } = await params;
  const ctx = await requireUser('page /sites/[siteId]/settings', { siteId });
  const { grants } = ctx.actor;
  const refuse = (permission: Permission): string | null => {
    const answer = can(grants, permission, siteId);
    return answer.allowed ? null : answer.reason;
  };
  const maySeeCredentials = refuse('credential.list') === null;
  const [site, { topology, etag }, hostKeys, scan, secrets, credentials] = await orNotFound(
    Promise.all([
      getSite(ctx, { siteId }),
      getTopology(ctx, { siteId }),
      listHostKeys(ctx, { siteId }),
      findLatestJob(ctx, { siteId, kind: 'scan' }),
      listSiteSecrets(ctx, { siteId }),
      maySeeCredentials ? listCredentials(ctx) : [],
    ]),
  );
  return (
    <div className="flex flex-col gap-3">
      <h1 className="wrap-anywhere">Settings of {site.name}</h1>
      <SiteSettings
        key={site.name}
        site={site}
        editRefusal={refuse('site.edit')}
        deleteRefusal={refuse('site.delete')}
        renameSite={renameSite}
        deleteSite={deleteSite}
        access={
          <>
            <SiteHostKeys
              siteId={siteId}
              nodes={toReachedNodes(topology)}
              hostKeys={hostKeys}
              scan={scan}
              refusal={refuse('host-key.approve')}
              actions={{ approveHostKey, startScan, importKnownHosts: importKnownHostsAction }}
              revokeHostKey={revokeHostKey}
            />
            {maySeeCredentials && (
              <AccessScreen
                key={etag}
                siteId={siteId}
                topology={topology}
                etag={etag}
                credentials={credentials}
                refusal={refuse('site.edit')}
                putTopology={putTopology}
                createCredential={createCredential}
                offersAgent={offersAgent(ctx)}
              />
            )}
            <SnapshotStore
              siteId={siteId}
              topology={topology}
              etag={etag}
              secrets={secrets}
              refusal={refuse('site.edit')}
              putTopology={putTopology}
              setSiteSecret={setSiteSecretAction}
              removeSiteSecret={removeSiteSecretAction}
            />
          </>
        }
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
