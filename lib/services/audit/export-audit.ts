import { readAudit } from '@/lib/db/audit';
import type { ServiceContext } from '../context';
import { authorise } from '../context';

/** The whole audit as JSON lines, oldest first, hashes included, so that it can be verified elsewhere. */
export async function* exportAudit(ctx: ServiceContext): AsyncGenerator<string> {
  authorise(ctx, 'audit.view');
  let after = 0n;
  for (;;) {
    const rows = await readAudit(ctx.db.pool, after, 1_000);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map((row) => `${JSON.stringify({ ...row, seq: row.seq.toString() })}\n`).join('');
    after = last.seq;
  }
}
