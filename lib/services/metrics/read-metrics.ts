import type { Database } from '@/lib/db/connect';
import { RunState } from '@/lib/run/run-event';

const JOB_STATES = ['queued', 'running', 'done', 'failed'];

function toLines(
  name: string,
  help: string,
  label: string,
  states: readonly string[],
  counts: Map<string, number>,
): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
  return head + states.map((state) => `${name}{${label}="${state}"} ${counts.get(state) ?? 0}\n`).join('');
}

/** Counts of sites, runs and jobs in Prometheus' text format. No names, no addresses. */
export async function readMetrics({ prisma }: Pick<Database, 'prisma'>): Promise<string> {
  const [sites, runs, jobs] = await Promise.all([
    prisma.site.count({ where: { deletedAt: null } }),
    prisma.run.groupBy({ by: ['state'], _count: true }),
    prisma.job.groupBy({ by: ['state'], _count: true }),
  ]);
  const count = (rows: readonly { state: string; _count: number }[]) =>
    new Map(rows.map((row) => [row.state, row._count]));
  return [
    `# HELP siteplan_sites Sites that are not deleted.\n# TYPE siteplan_sites gauge\nsiteplan_sites ${sites}\n`,
    toLines('siteplan_runs', 'Runs by state.', 'state', RunState.options, count(runs)),
    toLines('siteplan_jobs', 'Jobs by state.', 'state', JOB_STATES, count(jobs)),
  ].join('');
}
