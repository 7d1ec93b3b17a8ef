import { z } from 'zod';
import { PlanListItem, PlanView } from '@/lib/plan/plan-view';
import { printPlan } from '@/lib/plan/print-plan';
import { KubeconfigResult, PlanResult } from '@/lib/run/job-view';
import type { ApiClient } from '../api-client';
import type { Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { makeOneTimeKey } from '../one-time-key';
import { toTable } from '../output';
import { parseResult, runJob } from '../run-job';
import { readHosts } from '../site-hosts';
import { writeNewFile } from '../write-new-file';
import { findSite } from './site-commands';

async function plan({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const kind = optional(values, 'kind') ?? 'apply';
  const job = await runJob(api, `/sites/${id}/plan`, { kind }, out);
  const { planId, problems } = parseResult(PlanResult, job.result);
  if (planId === null) {
    const { nameOf } = await readHosts(api, id);
    const lines = problems.map(({ nodeId, message, nextAction }) =>
      `${nodeId === null ? '' : `${nameOf(nodeId)}: `}${message} ${nextAction}`.trim(),
    );
    out.result({ planId, problems }, `No plan was made.\n${lines.join('\n')}`);
    return 'wanting';
  }
  const view = await api.get(PlanView, `/plans/${planId}`);
  const { nameOf } = await readHosts(api, id);
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

async function listPlans({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const { plans } = await api.get(z.object({ plans: z.array(PlanListItem) }), `/sites/${id}/plans`);
  const rows = plans.map((each) => [
    each.id,
    each.kind,
    `r${each.revision}`,
    String(each.steps),
    each.createdAt.slice(0, 16).replace('T', ' '),
    each.createdBy,
  ]);
  const headings = ['ID', 'KIND', 'OF', 'STEPS', 'MADE (UTC)', 'BY'];
  out.result(plans, rows.length > 0 ? toTable(headings, rows) : 'There are no plans.');
}

/** Writes what a path of the API answers to a new file, `name` unless stated. */
async function download(
  { values, out }: CommandInput,
  { api, path, name }: { readonly api: ApiClient; readonly path: string; readonly name: string },
): Promise<void> {
  const response = await api.send(path);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const stated = optional(values, 'out');
  if (stated === '-') return out.raw(bytes);
  const written = await writeNewFile(stated ?? name, bytes);
  out.result({ path: written, bytes: bytes.length }, `${written} has ${bytes.length} bytes.`);
}

async function downloadOfSite(input: CommandInput, part: string, as: string): Promise<void> {
  const api = await openServer(input.values);
  const { id } = await findSite(api, input.args[0] ?? '');
  await download(input, { api, path: `/sites/${id}/${part}`, name: `${id}${as}` });
}

async function planBundle(input: CommandInput): Promise<void> {
  const planId = encodeURIComponent(input.args[0] ?? '');
  const api = await openServer(input.values);
  await download(input, { api, path: `/plans/${planId}/bundle`, name: `${planId}.tar.gz` });
}

const OUT = { value: 'FILE', short: 'o', words: 'Write a new file (mode 0600); - is standard output.' };

export const WORK_COMMANDS: readonly Command[] = [
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
    name: 'plans',
    summary: 'Lists the newest plans of a site.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    run: listPlans,
  },
  {
    name: 'plan bundle',
    summary: 'Downloads the run-by-hand bundle of one plan (tar.gz).',
    args: ['PLAN'],
    options: { ...SERVER_OPTIONS, out: OUT },
    run: planBundle,
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
    summary: 'Downloads the run-by-hand bundle of a site, from bare hosts on (tar.gz).',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, out: OUT },
    run: (input) => downloadOfSite(input, 'bundle', '.tar.gz'),
  },
  {
    name: 'inventory',
    summary: 'Downloads the Ansible inventory of a site.',
    args: ['SITE'],
    options: { ...SERVER_OPTIONS, out: OUT },
    run: (input) => downloadOfSite(input, 'inventory', '-inventory.yaml'),
  },
];
