import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pool } from 'pg';
import { z } from 'zod';
import { Plan } from '@/lib/plan/plan';

/** Stands for the directory of the host in everything that was recorded. */
const ROOT = '@ROOT@';

/**
 * A run in the middle, as one release left it: its rows and the directory of its host. What a newer release must take
 * up (I12).
 */
export const RecordedRun = z.strictObject({
  release: z.string(),
  state: z.string(),
  runId: z.string(),
  plan: Plan,
  stepsDone: z.int(),
  steps: z.array(
    z.strictObject({
      step_id: z.string(),
      ordinal: z.int(),
      state: z.string(),
      attempt: z.int(),
      offset: z.string(),
      outputs: z.record(z.string(), z.string()).nullable(),
    }),
  ),
  events: z.array(z.strictObject({ type: z.string(), step_id: z.string().nullable(), body: z.string() })),
  /** Paths below the host's directory; `mode` is octal. */
  files: z.array(z.strictObject({ path: z.string(), mode: z.string(), text: z.string() })),
});
export type RecordedRun = z.infer<typeof RecordedRun>;

async function readFiles(root: string): Promise<RecordedRun['files']> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name !== 'sudo')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Promise.all(
    files.map(async (path) => ({
      path: path.slice(root.length + 1),
      mode: ((await stat(path)).mode & 0o777).toString(8),
      text: (await readFile(path, 'utf8')).replaceAll(root, ROOT),
    })),
  );
}

/** The rows of a run and the files of its only host, as they are now. */
export async function recordRun(
  pool: Pool,
  run: { readonly runId: string; readonly plan: Plan; readonly root: string },
  name: { readonly release: string; readonly state: string },
): Promise<RecordedRun> {
  const { runId, plan, root } = run;
  const { steps, events, stepsDone } = await readRows(pool, runId);
  return RecordedRun.parse({
    ...name,
    runId,
    plan,
    stepsDone,
    steps,
    events,
    files: await readFiles(root),
  });
}

/** The rows of one moment: an engine that was just cut off may still have a commit under way. */
async function readRows(pool: Pool, runId: string) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const steps = await client.query(
      `SELECT step_id, ordinal, state, attempt, "offset"::text AS "offset", outputs FROM run_step
        WHERE run_id = $1 ORDER BY ordinal`,
      [runId],
    );
    const events = await client.query(
      'SELECT type, step_id, body FROM run_event WHERE run_id = $1 ORDER BY seq',
      [runId],
    );
    const runs = await client.query<{ steps_done: number }>('SELECT steps_done FROM run WHERE id = $1', [
      runId,
    ]);
    await client.query('COMMIT');
    return { steps: steps.rows, events: events.rows, stepsDone: runs.rows[0]?.steps_done };
  } finally {
    client.release();
  }
}

/** Puts a recorded run and its host's files back: the host is `root`, the site is there already. */
export async function restoreRun(
  pool: Pool,
  recorded: RecordedRun,
  to: { readonly siteId: string; readonly planId: string; readonly root: string },
): Promise<void> {
  const { runId, steps, events, stepsDone, files } = recorded;
  await pool.query(
    `INSERT INTO run (id, site_id, plan_id, state, steps, steps_done, last_seq, created_by)
     VALUES ($1, $2, $3, 'running', $4, $5, $6, 'test')`,
    [runId, to.siteId, to.planId, steps.length, stepsDone, events.length],
  );
  for (const step of steps) {
    await pool.query(
      `INSERT INTO run_step (run_id, step_id, ordinal, state, attempt, "offset", outputs)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [runId, step.step_id, step.ordinal, step.state, step.attempt, step.offset, step.outputs],
    );
  }
  for (const [index, event] of events.entries()) {
    await pool.query(
      'INSERT INTO run_event (run_id, seq, epoch, type, step_id, body) VALUES ($1, $2, 1, $3, $4, $5)',
      [runId, index + 1, event.type, event.step_id, event.body],
    );
  }
  for (const { path, mode, text } of files) {
    const file = join(to.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text.replaceAll(ROOT, to.root), { mode: Number.parseInt(mode, 8) });
  }
}
