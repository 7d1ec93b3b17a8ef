import { NodeFacts } from '@/lib/health/facts';
import type { Database, Queryable } from './connect';

/** Keeps the newest facts of a node, in the caller's fenced transaction. */
export async function storeFacts(tx: Queryable, facts: NodeFacts): Promise<void> {
  await tx.query(
    `INSERT INTO node_fact (node_id, facts) VALUES ($1, $2)
     ON CONFLICT (node_id) DO UPDATE SET facts = $2, taken_at = now()`,
    [facts.nodeId, JSON.stringify(facts)],
  );
}

/** The facts that a plan was made from, in the order stored; throws when the plan is not there. */
export async function readPlanFacts(db: Database, planId: string): Promise<NodeFacts[]> {
  const { rows } = await db.pool.query<{ facts: unknown }>('SELECT facts FROM plan WHERE id = $1', [planId]);
  return NodeFacts.array().parse(rows[0]?.facts);
}
