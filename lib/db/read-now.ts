import type { Queryable } from './connect';

/** The database's clock: the one that everything stored goes by, whatever the clocks of web and workers say. */
export async function readNow(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const [row] = rows;
  if (!row) throw new Error('the database does not tell the time');
  return row.now;
}
