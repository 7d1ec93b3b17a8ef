import type { Lab } from '@/e2e/lab/lab';
import { findFreePort } from '@/lib/testing/find-free-port';
import { startSiteplan, waitUntilReady, type SiteplanProcess } from '@/lib/testing/siteplan-process';
import type { ApiClient } from './api-client';
import { ADMIN, signInByToken } from './thin-site';

/** The lab's mirror of artifacts, and a Siteplan that is ready with a client of its first administrator. */
export async function startSiteplanBeside(
  lab: Lab,
  dataDir: string,
): Promise<{ mirrorUrl: string; siteplan: SiteplanProcess; api: ApiClient }> {
  const [mirrorUrl, port] = await Promise.all([lab.startMirror(), findFreePort()]);
  const env = { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password };
  const siteplan = await startSiteplan({ dataDir, port, env });
  try {
    await waitUntilReady(siteplan);
    return { mirrorUrl, siteplan, api: (await signInByToken(siteplan)).api };
  } catch (error) {
    await siteplan.stop();
    throw error;
  }
}
