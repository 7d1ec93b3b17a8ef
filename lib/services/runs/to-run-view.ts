import type { Prisma } from '@/lib/db/generated/client';
import { PlanKind } from '@/lib/plan/plan';
import { RunView } from '@/lib/run/run-view';

/** What a RunView is made from. */
export const RUN_ROW = {
  include: { site: { select: { name: true } }, plan: { select: { kind: true, revision: true } } },
} as const satisfies { include: Prisma.RunInclude };

type RunRow = Prisma.RunGetPayload<typeof RUN_ROW>;

/** A run's row as people see it; times as ISO 8601 in UTC. Throws for a row that no RunView can be made of: a bug of ours. */
export function toRunView(row: RunRow): RunView {
  return RunView.parse({
    ...row,
    siteName: row.site.name,
    kind: PlanKind.parse(row.plan.kind),
    revision: row.plan.revision,
    logBytes: Number(row.logBytes),
    logDroppedAt: row.logDroppedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  });
}
