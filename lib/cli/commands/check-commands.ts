import { toCount } from '@/lib/core/text';
import { CheckStatus, PreflightResult, type CheckCell } from '@/lib/run/job-view';
import { isOverriddenBy } from '@/lib/run/preflight-gate';
import { CheckOverrideView, PreflightView } from '@/lib/run/preflight-view';
import type { ApiClient } from '../api-client';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optionalList, required } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toShownCell, toTable } from '../output';
import { parseResult, runJob } from '../run-job';
import { readHosts, type SiteHosts } from '../site-hosts';
import { findSite } from './site-commands';

const HEADINGS = ['STATE', 'HOST', 'ID', 'CHECK', 'VALUE', 'WANTED', 'WHY', 'FIX'];
const FAIL = CheckStatus.enum.fail;

/** What is in the table of checks, worst news first: hosts that were not reached, cells, links. */
function toRows(
  result: PreflightResult,
  { nameOf }: SiteHosts,
  options: { readonly isAll: boolean; readonly overrides?: readonly CheckOverrideView[] },
): string[][] {
  const { isAll, overrides = [] } = options;
  const toState = (cell: CheckCell) => {
    if (overrides.some((each) => isOverriddenBy(each, cell))) return 'let pass';
    return cell.isUnknown ? 'unknown' : cell.status;
  };
  const lost = result.unreachable.map(({ nodeId, failure }) => [
    ...[FAIL, nameOf(nodeId), '-', 'reach it', failure.message, '', '', failure.nextAction],
  ]);
  const cells = result.cells
    .filter((cell) => isAll || toState(cell) !== 'ok')
    .map((cell) => [
      ...[toState(cell), nameOf(cell.nodeId), cell.checkId, cell.title],
      ...[cell.value, cell.threshold, cell.why, cell.fix],
    ]);
  const links = result.links
    .filter(({ status }) => isAll || status !== 'ok')
    .map(({ fromId, toId, checkId, status, value }) => [
      ...[status, nameOf(fromId), checkId, `to ${nameOf(toId)}`, value, '', '', ''],
    ]);
  return [...lost, ...cells, ...links];
}

async function preflight({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const hosts = await readHosts(api, id);
  const [nodeIds, checkIds] = [
    optionalList(values, 'hosts')?.map(hosts.idOf),
    optionalList(values, 'checks'),
  ];
  const job = await runJob(
    api,
    `/sites/${id}/preflight`,
    { ...(nodeIds && { nodeIds }), ...(checkIds && { checkIds }) },
    out,
  );
  const result = parseResult(PreflightResult, job.result);
  const rows = toRows(result, hosts, { isAll: values['all'] === true });
  out.result(
    result,
    rows.length > 0 ? toTable(HEADINGS, rows) : `${toCount(result.cells.length, 'check')} passed.`,
  );
  return rows.some(([state]) => state === FAIL) ? 'wanting' : 'done';
}

async function readChecks(api: ApiClient, wanted: string): Promise<PreflightView> {
  const { id } = await findSite(api, wanted);
  return api.get(PreflightView, `/sites/${id}/checks`);
}

async function show({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const view = await readChecks(api, wanted);
  const { result, overrides, refusal } = view;
  const hosts = await readHosts(api, view.siteId);
  const rows = result ? toRows(result, hosts, { isAll: values['all'] === true, overrides }) : [];
  const end = refusal ?? 'No check stands in the way of a run.';
  out.result(view, rows.length > 0 ? `${toTable(HEADINGS, rows)}\n${end}` : end);
  return refusal === null ? 'done' : 'wanting';
}

/** The cell that a person means by host and check (id or title). Throws when there is none. */
function findCell(view: PreflightView, nodeId: string, check: string): CheckCell {
  const cells = view.result?.cells.filter((cell) => cell.nodeId === nodeId) ?? [];
  const found = cells.find(({ checkId, title }) => checkId === check || title === check);
  if (!found)
    throw new CliError('failed', `There is no check ${check} on this host. See: checks SITE --all.`);
  return found;
}

async function override({ args, values, out }: CommandInput): Promise<void> {
  const [wanted = '', host = '', check = ''] = args;
  const [reason, read] = [required(values, 'reason'), required(values, 'value')];
  const api = await openServer(values);
  const view = await readChecks(api, wanted);
  const { nodeId, checkId, value, title } = findCell(
    view,
    (await readHosts(api, view.siteId)).idOf(host),
    check,
  );
  // A terminal shows a value made harmless; nobody can be asked to type what they did not see.
  if (read !== value && read !== toShownCell(value)) {
    throw new CliError(
      'failed',
      `${title} found something else: ${value}. Look at it before you let it pass.`,
    );
  }
  const made = await api.get(CheckOverrideView, `/sites/${view.siteId}/checks/overrides`, {
    method: 'POST',
    json: { nodeId, checkId, value, reason },
  });
  out.result(made, `${title} on ${host} (${value}) is let pass for the next run, as ${made.id}.`);
}

async function listOverrides({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { siteId, overrides } = await readChecks(api, wanted);
  const { nameOf } = await readHosts(api, siteId);
  const rows = overrides.map((each) => [
    ...[each.id, each.state, nameOf(each.nodeId), each.title, each.value, each.reason],
    ...[each.createdBy, each.runId ?? '-'],
  ]);
  const headings = ['ID', 'STATE', 'HOST', 'CHECK', 'VALUE', 'REASON', 'BY', 'RUN'];
  out.result(overrides, rows.length > 0 ? toTable(headings, rows) : 'No check is overridden.');
}

async function withdraw({ args: [wanted = '', overrideId = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const path = `/sites/${id}/checks/overrides/${encodeURIComponent(overrideId)}`;
  const view = await api.get(CheckOverrideView, path, { method: 'DELETE' });
  out.result(view, `${view.title} stands in the way again.`);
}

const ALL = { words: 'Show also what passed.' };

export const CHECK_COMMANDS: readonly Command[] = [
  {
    name: 'preflight',
    summary: 'Checks the hosts of a site, or some cells again, and shows what is not as it should be.',
    args: ['SITE'],
    options: {
      ...SERVER_OPTIONS,
      all: ALL,
      hosts: { value: 'HOST,…', words: 'Only these hosts again, by name or id.' },
      checks: { value: 'ID,…', words: 'Only these checks again, by the id that `checks` shows.' },
    },
    details: 'Ends with 5 when a check of this look fails, also one that is let pass; `checks` tells.',
    run: preflight,
  },
  {
    name: 'checks',
    summary: 'Shows the checks of a site as they stand, and what stands in the way of a run.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, all: ALL },
    details: 'Ends with 5 when a run would be refused on account of the checks.',
    run: show,
  },
  {
    name: 'check override',
    summary: 'Lets one failing check of one host pass for the next run.',
    args: ['SITE', 'HOST', 'CHECK'],
    options: {
      ...SERVER_OPTIONS,
      value: { value: 'TEXT', words: 'What the check found, as you read it; refused when it is another.' },
      reason: { value: 'TEXT', words: 'Why, for the log and the audit.' },
    },
    run: override,
  },
  {
    name: 'check overrides',
    summary: 'Lists the checks of a site that were let pass.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    run: listOverrides,
  },
  {
    name: 'check withdraw',
    summary: 'Takes an override back.',
    args: ['SITE', 'OVERRIDE'],
    options: SERVER_OPTIONS,
    run: withdraw,
  },
];
