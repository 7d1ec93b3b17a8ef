import { collectEvents } from './collect-events';
import type { HaCreation } from './ha-creation';
import type { HostAct } from './host-journals';
import { listLeftFiles } from './leftovers';
import { findActs } from './reboot';
import type { RunRecord } from './run-record';

/**
 * What the run of a creation left behind, as the checker of all soaks takes it. The ledger is what the hosts' own
 * journals say; a step that was already so has no line there and is left out.
 */
export async function toRecord(
  { lab, database, plan }: HaCreation,
  runId: string,
  acts: readonly HostAct[],
): Promise<RunRecord> {
  const { rows } = await database.owner.query<{ state: string; last_seq: number }>(
    'SELECT state, last_seq FROM run WHERE id = $1',
    [runId],
  );
  const { rows: states } = await database.owner.query<{ step_id: string; state: string }>(
    'SELECT step_id, state FROM run_step WHERE run_id = $1',
    [runId],
  );
  const events = await collectEvents(database, runId);
  const actsOf = (stepId: string) => acts.filter(({ key }) => key.split('.')[1] === stepId);
  const wasSo = (stepId: string) =>
    events.some(
      ({ body }) => body.type === 'step.finished' && body.stepId === stepId && body.outcome === 'already-so',
    );
  const steps = plan.steps.filter(({ id }) => actsOf(id).length > 0 || !wasSo(id));
  const left = await Promise.all(
    lab.hosts.map(async ({ name }) => {
      const found = [...(await listLeftFiles(lab.rootOf(name))), ...(await findActs(lab, name))];
      return found.map((line) => `${name}: ${line}`);
    }),
  );
  return {
    runId,
    state: rows[0]?.state ?? '',
    lastSeq: rows[0]?.last_seq ?? -1,
    events,
    steps: steps.map(({ id, kind }) => ({
      id,
      name: `${kind}/${id}`,
      state: states.find(({ step_id }) => step_id === id)?.state ?? '',
      said: actsOf(id).at(-1)?.said ?? null,
      // The log has it redacted and printable; its bytes are counted as the host wrote them.
      isPlain: false,
    })),
    ledger: acts.flatMap(({ key, said }) => {
      const step = plan.steps.find(({ id }) => id === key.split('.')[1]);
      const name = step ? `${step.kind}/${step.id}` : key;
      return said === null ? [`begin ${name} 0`] : [`begin ${name} 0`, `end ${name} 0`];
    }),
    leftovers: left.flat(),
  };
}
