import type { OwnClusterDatabase } from '@/lib/testing/own-database';
import { waitFor } from '@/lib/testing/wait-for';

const KEY = 20_261_122;

/** Where in its transaction an event waits: when it is written, or when everything is and only the commit is left. */
export type GateAt = 'insert' | 'commit';

export interface Gate {
  /** Resolves when somebody waits at it. */
  readonly reached: () => Promise<void>;
  /** Lets through whoever waits; those that come later pass. */
  readonly open: () => Promise<void>;
}

/** Teaches a database to make the writers of chosen events wait, so that a worker can be caught at an exact moment. */
export async function installGates({ owner }: OwnClusterDatabase): Promise<void> {
  await owner.query(`
    CREATE TABLE soak_gate (run_id text, type text, at text);
    CREATE FUNCTION soak_gate_wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM soak_gate g WHERE g.run_id = NEW.run_id AND g.type = NEW.type AND g.at = TG_ARGV[0]) THEN
        PERFORM pg_advisory_xact_lock_shared(${KEY});
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER soak_gate_insert AFTER INSERT ON run_event
      FOR EACH ROW EXECUTE FUNCTION soak_gate_wait('insert');
    CREATE CONSTRAINT TRIGGER soak_gate_commit AFTER INSERT ON run_event DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION soak_gate_wait('commit');`);
}

/** Shuts the gate for the next event of `type` of the run. One gate per database at a time. */
export async function shutGate(
  { owner }: OwnClusterDatabase,
  options: { readonly runId: string; readonly type: string; readonly at: GateAt },
): Promise<Gate> {
  const holder = await owner.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [KEY]);
  await owner.query('INSERT INTO soak_gate VALUES ($1, $2, $3)', [options.runId, options.type, options.at]);
  const isReached = async () => {
    const { rowCount } = await owner.query(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [KEY],
    );
    return Boolean(rowCount);
  };
  return {
    reached: async () => {
      await waitFor(isReached, { what: `an event ${options.type} at the gate`, everyMs: 5 });
    },
    open: async () => {
      await owner.query('DELETE FROM soak_gate WHERE run_id = $1', [options.runId]);
      await holder.query('SELECT pg_advisory_unlock($1)', [KEY]);
      holder.release();
    },
  };
}
