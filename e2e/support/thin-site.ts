import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, type QueryResultRow } from 'pg';
import type { LabHost } from '@/e2e/lab/lab';
import type { Queryable } from '@/lib/db/connect';
import { createOpaqueToken, toTokenHash } from '@/lib/secrets/opaque-token';
import { PlanResult, PreflightResult, ScanResult } from '@/lib/run/job-view';
import type { SiteplanProcess } from '@/lib/testing/siteplan-process';
import { createApiClient, type ApiClient } from './api-client';

export const ADMIN = { email: 'ann@example.com', password: `lab ${randomBytes(9).toString('base64url')}` };
export const RKE2_VERSION = 'v1.35.7+rke2r1';

/** Runs SQL as the owner of the embedded database of a running Siteplan. */
export async function queryDatabase<R extends object>(
  siteplan: Pick<SiteplanProcess, 'dataDir'>,
  sql: string,
  values: unknown[] = [],
) {
  const host = encodeURIComponent(`${siteplan.dataDir}/run`);
  const client = new Client({ connectionString: `postgresql://siteplan@localhost/siteplan?host=${host}` });
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** The database of a running Siteplan as the factories take it. */
export function toDatabase(siteplan: Pick<SiteplanProcess, 'dataDir'>): Queryable {
  return {
    query: async <R extends QueryResultRow>(sql: string, values: unknown[] = []) => {
      const rows = await queryDatabase<R>(siteplan, sql, values);
      return { rows, rowCount: rows.length };
    },
  };
}

/** An API client with a token of the first administrator; the token is put into the database by hand. */
export async function signInByToken(siteplan: SiteplanProcess): Promise<{ api: ApiClient; token: string }> {
  const token = createOpaqueToken('sp_');
  await queryDatabase(
    siteplan,
    `INSERT INTO api_token (id, user_id, name, token_hash, role, expires_at)
     SELECT $1, id, 'lab', $2, 'admin', now() + interval '1 day' FROM "user" LIMIT 1`,
    [`t-${randomBytes(6).toString('hex')}`, toTokenHash(token)],
  );
  return { api: createApiClient(siteplan.url, token), token };
}

/** The topology input of one server on a lab host, with artifacts from the lab's mirror, or from Siteplan where there is none. */
export function toThinTopology(host: LabHost, mirrorUrl: string | null, credentialId: string) {
  return {
    pattern: 'custom',
    rke2: {
      version: RKE2_VERSION,
      artifacts: mirrorUrl === null ? { from: 'pushed' } : { from: 'mirror', url: mirrorUrl },
    },
    nodes: [
      {
        name: host.name,
        role: 'server',
        internalIp: host.address,
        ssh: { port: host.port, user: host.user, credentialId },
      },
    ],
  };
}

/** Credential, site, host key: everything up to where preflight and plans can be made. */
export async function createThinSite(
  api: ApiClient,
  host: LabHost,
  mirrorUrl: string | null,
  name: string,
): Promise<string> {
  const privateKey = readFileSync(host.privateKeyPath, 'utf8');
  const credential = await api.call('POST', '/credentials', { kind: 'key', name: `${name} key`, privateKey });
  const { id: credentialId } = credential as { id: string };
  const topology = toThinTopology(host, mirrorUrl, credentialId);
  const created = (await api.call('POST', '/sites', { name, topology })) as { siteId: string };
  const { siteId } = created;
  const scan = ScanResult.parse(await api.job(`/sites/${siteId}/host-keys/scan`));
  for (const { nodeId, fingerprint } of scan.nodes) {
    if (fingerprint !== host.hostKeyFingerprint)
      throw new Error(`scanned ${fingerprint}, not the host's own key`);
    await api.call('POST', `/sites/${siteId}/host-keys/approve`, { node: nodeId, fingerprint });
  }
  return siteId;
}

export async function preflight(api: ApiClient, siteId: string): Promise<PreflightResult> {
  return PreflightResult.parse(await api.job(`/sites/${siteId}/preflight`));
}

/** Runs the checks and overrides what is red on a lab host, so that a plan may be run. */
export async function passChecks(api: ApiClient, siteId: string): Promise<PreflightResult> {
  const result = await preflight(api, siteId);
  for (const { nodeId, checkId, value, status } of result.cells) {
    if (status !== 'fail') continue;
    const reason = 'a known deviation of the lab hosts';
    await api.call('POST', `/sites/${siteId}/checks/overrides`, { nodeId, checkId, value, reason });
  }
  return result;
}

export async function plan(api: ApiClient, siteId: string, kind = 'apply'): Promise<PlanResult> {
  return PlanResult.parse(await api.job(`/sites/${siteId}/plan`, { kind }));
}
