import { z } from 'zod';
import { SiteView } from '@/lib/topology/site-view';
import { TopologyView } from '@/lib/topology/topology-view';
import { Finding } from '@/lib/rules/finding';
import { toPathText } from '@/lib/topology/edit-topology';
import { toCount } from '@/lib/core/text';
import type { ApiClient } from '../api-client';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional, required } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { readInput } from '../read-input';

const Sites = z.object({ sites: z.array(SiteView) });

/** The site that a person means: its id, or its name. Throws when there is none or more than one. */
export async function findSite(api: ApiClient, wanted: string): Promise<SiteView> {
  const { sites } = await api.get(Sites, '/sites');
  const found = sites.filter(({ id, name }) => id === wanted || name === wanted);
  const [site, second] = found;
  if (second)
    throw new CliError(
      'failed',
      `More than one site is called ${wanted}. Use an id: ${found.map(({ id }) => id).join(', ')}.`,
    );
  if (!site)
    throw new CliError('failed', `There is no site ${wanted}, or you may not see it. See: site list.`);
  return site;
}

function toSiteRow(site: SiteView): string[] {
  const state = z.object({ state: z.string() }).safeParse(site.now);
  const nodes = `${site.servers}/${site.agents}/${site.loadBalancers}`;
  const applied = site.appliedRevision === null ? 'never' : `r${site.appliedRevision}`;
  const run = site.activeRun
    ? `${site.activeRun.id} ${site.activeRun.stepsDone}/${site.activeRun.steps}`
    : '-';
  return [
    site.id,
    site.name,
    site.pattern,
    nodes,
    state.data?.state ?? '-',
    `r${site.revision}`,
    applied,
    run,
  ];
}

const HEADINGS = ['ID', 'NAME', 'PATTERN', 'S/A/LB', 'LAST SEEN', 'DRAWN', 'APPLIED', 'RUN'];

async function listSites({ values, out }: CommandInput): Promise<void> {
  const { sites } = await (await openServer(values)).get(Sites, '/sites');
  out.result(
    sites,
    sites.length > 0 ? toTable(HEADINGS, sites.map(toSiteRow)) : 'There are no sites that you may see.',
  );
}

async function getSite({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const site = await findSite(await openServer(values), wanted);
  out.result(site, toTable(HEADINGS, [toSiteRow(site)]));
}

async function createSite({ args: [name = ''], values, out }: CommandInput): Promise<void> {
  const pattern = optional(values, 'pattern');
  const file = optional(values, 'file');
  const topology = file === undefined ? undefined : await readInput(file);
  const json = { name, ...(pattern && { pattern }), ...(topology !== undefined && { topology }) };
  const view = await (await openServer(values)).get(TopologyView, '/sites', { method: 'POST', json });
  out.result(
    view,
    `The site ${name} is ${view.siteId}, with ${toCount(view.topology.nodes.length, 'host')}.`,
  );
}

async function getTopology({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  if (out.isJson) return out.result(await api.get(TopologyView, `/sites/${id}/topology`), '');
  const response = await api.send(`/sites/${id}/topology?format=yaml`);
  out.note(`# etag ${response.headers.get('etag') ?? ''}`);
  out.result(null, (await response.text()).trimEnd());
}

async function putTopology({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const yaml = await readInput(required(values, 'file'));
  const { id } = await findSite(api, wanted);
  const stated = optional(values, 'etag');
  const etag = stated ?? (await api.get(TopologyView, `/sites/${id}/topology`)).etag;
  const headers = { 'if-match': `"${etag.replaceAll('"', '')}"` };
  const view = await api.get(TopologyView, `/sites/${id}/topology`, { method: 'PUT', yaml, headers });
  out.result(view, `The topology of ${wanted} is at revision ${view.revision}.`);
}

async function findings({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const file = optional(values, 'file');
  const json = file === undefined ? {} : { topology: await readInput(file) };
  const shape = z.object({ findings: z.array(Finding) });
  const answer = await api.get(shape, `/sites/${id}/findings`, { method: 'POST', json });
  const rows = answer.findings.map(({ severity, ruleId, path, message }) => [
    severity,
    ruleId,
    toPathText(path),
    message,
  ]);
  out.result(
    answer.findings,
    rows.length > 0 ? toTable(['SEVERITY', 'RULE', 'PLACE', 'WHY'], rows) : 'No findings.',
  );
  return answer.findings.some(({ severity }) => severity === 'error') ? 'wanting' : 'done';
}

const FILE = { value: 'FILE', words: 'YAML (or JSON) of a topology; - is standard input.' };

export const SITE_COMMANDS: readonly Command[] = [
  {
    name: 'site list',
    summary: 'Lists the sites that you may see.',
    options: SERVER_OPTIONS,
    run: listSites,
  },
  {
    name: 'site create',
    summary: 'Creates a site, from a topology or from a pattern.',
    args: ['NAME'],
    options: {
      ...SERVER_OPTIONS,
      file: { ...FILE, short: 'f' },
      pattern: { value: 'PATTERN', words: 'ha, edge or custom, for a site without a file.' },
    },
    run: createSite,
  },
  { name: 'site get', summary: 'Shows one site.', args: ['SITE'], options: SERVER_OPTIONS, run: getSite },
  {
    name: 'topology get',
    summary: 'Writes the topology of a site as YAML.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    run: getTopology,
  },
  {
    name: 'topology put',
    summary: 'Stores a topology as the next revision of a site.',
    args: ['SITE'],
    options: {
      ...SERVER_OPTIONS,
      file: { ...FILE, short: 'f' },
      etag: {
        value: 'ETAG',
        words: 'Refuse if it changed since; `topology get` writes it to standard error.',
      },
    },
    run: putTopology,
  },
  {
    name: 'findings',
    summary: 'Runs the design rules on the topology of a site, or on a file.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, file: { ...FILE, short: 'f' } },
    details: 'Ends with 5 when there is an error among them.',
    run: findings,
  },
];
