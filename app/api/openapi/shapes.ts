import { z } from 'zod';
import { RunEventBody } from '@/lib/run/run-event';
import { Topology } from '@/lib/topology/topology';

/** A topology as it may be sent: a document without the fields that have defaults, or YAML text. */
export const TopologyDocument = z.union([Topology, z.string().describe('A topology as YAML text.')]);

/** An event of a run's log with its place (lib/run/run-event). */
export const RunEvent = z.object({ seq: z.int(), at: z.string(), body: RunEventBody });

/** RFC 9457, as `toProblem` writes it (app/api-route). */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What happened and what to do, in words for a person.'),
  code: z.string(),
  fields: z.record(z.string(), z.string()).optional().describe('Problems by path of the field.'),
  requestId: z.string().describe('The log of the server has more under this id.'),
});
