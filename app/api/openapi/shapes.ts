import { z } from 'zod';
import { RunEventBody } from '@/lib/run/run-event';
import { Topology, TopologyNode } from '@/lib/topology/topology';

const NodeInput = TopologyNode.extend({
  id: TopologyNode.shape.id.optional().describe('Absent: that of the host of this name, else a new one.'),
});

/** A topology as it may be sent: without ids of new hosts and the fields that have defaults. */
export const TopologyInput = Topology.extend({
  nodes: z.array(NodeInput).optional().describe('As many hosts as a Topology may have.'),
});

export const TopologyText = z.string().describe('A topology as YAML text.');

/** The same, or YAML text. */
export const TopologyDocument = z.union([TopologyInput, TopologyText]);

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
