import type { z } from 'zod';
import { toCount } from '@/lib/core/text';
import { PlanView } from '@/lib/plan/plan-view';
import { printPlan } from '@/lib/plan/print-plan';
import { KubeconfigResult, PlanResult, PreflightResult } from '@/lib/run/job-view';
import { TopologyView } from '@/lib/topology/topology-view';
import type { ApiClient } from '../api-client';
import { CliError, type Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { makeOneTimeKey } from '../one-time-key';
import { toTable } from '../output';
import { runJob } from '../run-job';
import { writeNewFile } from '../write-new-file';
import { findSite } from './site-commands';

/** A job's result by its shape; a server of another version may have another. */
function parseResult<S extends z.ZodType>(shape: S, result: unknown): z.output<S> {
  const parsed = shape.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new CliError(
    'failed',
    'The server’s result has another shape. Is it of the same version as this program?',
  );
}

async function namesOf(api: ApiClient, siteId: string): Promise<(nodeId: string) => string> {
  const { topology } = await api.get(TopologyView, `/sites/${siteId}/topology`);
  const names = new Map<string, string>(topology.nodes.map(({ id, name }) => [id, name]));
  return (nodeId) => names.get(nodeId) ?? nodeId;
}

async function preflight({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const job = await runJob(api, `/sites/${id}/preflight`, {}, out);
  const result = parseResult(PreflightResult, job.result);
  const nameOf = await namesOf(api, id);
  const cells = result.cells
    .filter(({ status }) => values['all'] === true || status !== 'ok')
    .map(({ nodeId, status, title, value, threshold, fix }) => [
      status,
      nameOf(nodeId),
      title,
      value,
      threshold,
      fix,
    ]);
  const lost = result.unreachable.map(({ nodeId, failure }) => [
    'fail',
    nameOf(nodeId),
    'reach it',
    failure.message,
    '',
    failure.nextAction,
  ]);
  const links = result.links
    .filter(({ status }) => values['all'] === true || status !== 'ok')
    .map(({ fromId, toId, checkId, status, value }) => [
      status,
      nameOf(fromId),
      `${checkId} to ${nameOf(toId)}`,
      value,
      '',
      '',
    ]);
  const rows = [...lost, ...cells, ...links];
  const ok = `${toCount(result.cells.length, 'check')} passed.`;
  out.result(
    result,
    rows.length > 0 ? toTable(['STATE', 'HOST', 'CHECK', 'VALUE', 'WANTED', 'FIX'], rows) : ok,
  );
  return rows.some(([state]) => state === 'fail') ? 'wanting' : 'done';
}

async function plan({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const kind = optional(values, 'kind') ?? 'apply';
  const job = await runJob(api, `/sites/${id}/plan`, { kind }, out);
  const { planId, problems } = parseResult(PlanResult, job.result);
  if (planId === null) {
    const nameOf = await namesOf(api, id);
    const lines = problems.map(({ nodeId, message, nextAction }) =>
      `${nodeId === null ? '' : `${nameOf(nodeId)}: `}${message} ${nextAction}`.trim(),
    );
    out.result({ planId, problems }, `No plan was made.\n${lines.join('\n')}`);
    return 'wanting';
  }
  const view = await api.get(PlanView, `/plans/${planId}`);
  const nameOf = await namesOf(api, id);
  const shown = values['diff'] === true ? view.plan : withoutDiffs(view.plan);
  const next = view.plan.steps.length > 0 ? `\nStart it with: run ${planId}` : '';
  out.result(view, `${printPlan(shown, nameOf).trimEnd()}${next}`);
  return 'done';
}

function withoutDiffs(whole: PlanView['plan']): PlanView['plan'] {
  return { ...whole, steps: whole.steps.map((step) => ({ ...step, diff: null })) };
}

async function kubeconfig({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const key = makeOneTimeKey();
  const job = await runJob(api, `/sites/${id}/kubeconfig`, { publicKey: key.publicKey }, out);
  const text = key.open(parseResult(KubeconfigResult, job.result).sealed);
  const file = optional(values, 'out');
  if (file === undefined) return out.raw(text);
  const path = await writeNewFile(file, text);
  out.result({ path }, `The kubeconfig is in ${path}.`);
}

async function download(
  path: string,
  { args: [wanted = ''], values, out }: CommandInput,
  as: string,
): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const response = await api.send(`/sites/${id}/${path}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const stated = optional(values, 'out');
  if (stated === '-') return out.raw(bytes);
  const written = await writeNewFile(stated ?? `${id}${as}`, bytes);
  out.result({ path: written, bytes: bytes.length }, `${written} has ${bytes.length} bytes.`);
}

const OUT = { value: 'FILE', short: 'o', words: 'Write a new file (mode 0600); - is standard output.' };

export const WORK_COMMANDS: readonly Command[] = [
  {
    name: 'preflight',
    summary: 'Checks the hosts of a site and shows what is not as it should be.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, all: { words: 'Show also what passed.' } },
    details: 'Ends with 5 when there is a failing check.',
    run: preflight,
  },
  {
    name: 'plan',
    summary: 'Reads the hosts and plans what would be done to them; changes nothing.',
    args: ['SITE'],
    options: {
      ...SERVER_OPTIONS,
      kind: { value: 'KIND', words: 'What for: apply (default), uninstall.' },
      diff: { words: 'Show the diffs of files.' },
    },
    details: 'Ends with 5 when something stands in the way of a plan.',
    run: plan,
  },
  {
    name: 'kubeconfig',
    summary: 'Fetches the kubeconfig of a site, sealed on its way to a key of this command.',
    args: ['SITE'],
    options: {
      ...SERVER_OPTIONS,
      out: { ...OUT, words: 'Write a new file (mode 0600) instead of standard output.' },
    },
    run: kubeconfig,
  },
  {
    name: 'bundle',
    summary: 'Downloads the run-by-hand bundle of a site.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, out: OUT },
    run: (input) => download('bundle', input, '.tar.gz'),
  },
  {
    name: 'inventory',
    summary: 'Downloads the Ansible inventory of a site.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, out: OUT },
    run: (input) => download('inventory', input, '-inventory.yaml'),
  },
];
