import { insertPlan } from '@/lib/testing/factories';
import type { SiteplanProcess } from '@/lib/testing/siteplan-process';
import { toDatabase } from './thin-site';

const STEP = {
  kind: 'file.put',
  params: {},
  effect: '',
  restarts: [],
  quorum: null,
  estimateS: 1,
  diff: null,
};
const LINES_PER_EVENT = 320;
const EVENT_BYTES = 32 * 1_024;

export interface FloodedRun {
  readonly runId: string;
  readonly stepId: string;
  /** Text that stands once in the log, in its middle, and the number of the event that holds it. */
  readonly needle: string;
  readonly needleSeq: number;
  readonly lastSeq: number;
}

/**
 * An ended run of a site whose one flooding step has said `bytes` bytes in lines of about a hundred letters, as the engine
 * would have stored them; written straight into the database, because a host would take a minute to say as much.
 */
export async function insertFloodedRun(
  siteplan: Pick<SiteplanProcess, 'dataDir'>,
  siteId: string,
  nodeId: string,
  bytes: number,
): Promise<FloodedRun> {
  const [planId, runId] = [`p-flood-${siteId}`, `r-flood-${siteId.slice(2)}`];
  const [stepId, failedId] = ['f'.repeat(16), 'e'.repeat(16)];
  const events = Math.ceil(bytes / EVENT_BYTES);
  const needleSeq = Math.floor(events / 2);
  const needle = 'the one line that everybody looks for';
  const steps = [
    { ...STEP, id: stepId, nodeId, title: 'Say very much', dependsOn: [] },
    { ...STEP, id: failedId, nodeId, title: 'Write the end', dependsOn: [stepId] },
  ];
  const plan = {
    schemaVersion: 1,
    notices: [],
    id: planId,
    siteId,
    kind: 'apply' as const,
    revision: 1,
    factsHash: '',
    steps,
  };
  const database = toDatabase(siteplan);
  const { query } = database;
  await insertPlan(database, plan);
  await query(
    `INSERT INTO run (id, site_id, plan_id, state, steps, steps_done, last_seq, log_bytes, created_by, started_at, finished_at)
     VALUES ($1, $2, $3, 'failed', 2, 1, $4, $5, 'ann@example.com', now() - interval '5 minutes', now())`,
    [runId, siteId, planId, events + 6, events * EVENT_BYTES],
  );
  await query(
    `INSERT INTO run_step (run_id, step_id, ordinal, state) VALUES ($1, $2, 0, 'done'), ($1, $3, 1, 'failed')`,
    [runId, stepId, failedId],
  );
  const failure = {
    code: 'step-exit',
    message: 'On s1, "Write the end" failed.',
    nextAction: 'Look, then retry.',
  };
  const before = [
    { type: 'run.queued', by: 'ann@example.com', steps: 2 },
    { type: 'run.claimed', worker: 'w-1', previousEpoch: null },
    { type: 'step.started', stepId, attempt: 1 },
  ];
  const after = [
    { type: 'step.finished', stepId, outcome: 'done', outputs: {} },
    { type: 'step.failed', stepId: failedId, failure },
    { type: 'run.finished', state: 'failed', failure },
  ];
  const insertNotes = (from: number, bodies: readonly { type: string; stepId?: string }[]) =>
    query(
      `INSERT INTO run_event (run_id, seq, epoch, type, step_id, body)
       SELECT $1, $2::int + n, 0, body::json->>'type', body::json->>'stepId', body
         FROM unnest($3::text[]) WITH ORDINALITY AS e (body, n)`,
      [runId, from, bodies.map((body) => JSON.stringify(body))],
    );
  await insertNotes(0, before);
  await query(
    `INSERT INTO run_event (run_id, seq, epoch, type, step_id, body)
     SELECT $1, 3 + n, 0, 'step.output', $2::text, json_build_object(
              'type', 'step.output', 'stepId', $2::text, 'offset', (n - 1) * ${EVENT_BYTES}, 'nextOffset', n * ${EVENT_BYTES},
              'text', (SELECT string_agg(rpad(format('line %s of event %s', l, n), 101, ' fetching layer and checking it'), E'\\n')
                         FROM generate_series(1, ${LINES_PER_EVENT}) AS l)
                      || E'\\n' || CASE WHEN n = $4::int THEN $5::text || E'\\n' ELSE '' END)::text
       FROM generate_series(1, $3::int) AS n`,
    [runId, stepId, events, needleSeq, needle],
  );
  await insertNotes(events + 3, after);
  return { runId, stepId, needle, needleSeq: needleSeq + 3, lastSeq: events + 6 };
}
