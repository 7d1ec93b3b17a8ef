import { RunEventBody } from '@/lib/run/run-event';
import type { OwnClusterDatabase } from '@/lib/testing/own-database';
import type { RunRecord } from './run-record';

/** The whole log of a run, in its order. */
export async function collectEvents(
  { owner }: OwnClusterDatabase,
  runId: string,
): Promise<RunRecord['events']> {
  const { rows } = await owner.query<{ seq: number; epoch: string; ms: string; body: string }>(
    `SELECT seq, epoch::text AS epoch, extract(epoch FROM at) * 1000 AS ms, body
       FROM run_event WHERE run_id = $1 ORDER BY seq`,
    [runId],
  );
  return rows.map(({ seq, epoch, ms, body }) => ({
    seq,
    epoch: BigInt(epoch),
    atMs: Number(ms),
    body: RunEventBody.parse(JSON.parse(body)),
  }));
}
