import { z } from 'zod';
import { AuditView } from '@/lib/access/audit-view';
import { CredentialInput, CredentialView } from '@/lib/access/credential-view';
import { HostKeyImport } from '@/lib/access/host-key-import';
import { HostKeyView } from '@/lib/access/host-key-view';
import { Failure } from '@/lib/core/failure';
import { SiteNowBody } from '@/lib/health/site-now';
import { Plan } from '@/lib/plan/plan';
import { PlanListItem, PlanView } from '@/lib/plan/plan-view';
import { SiteSecretView } from '@/lib/render/site-secret';
import { Finding } from '@/lib/rules/finding';
import { JobView } from '@/lib/run/job-view';
import { RunEventBody } from '@/lib/run/run-event';
import { RunView } from '@/lib/run/run-view';
import { SiteView } from '@/lib/topology/site-view';
import { Topology } from '@/lib/topology/topology';
import { RevisionView, TopologyView } from '@/lib/topology/topology-view';
import { Problem, RunEvent, TopologyInput } from './shapes';

/** Shapes that have a name in the document; every other stands where it is used. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  AuditEntry: AuditView,
  Credential: CredentialView,
  CredentialInput,
  Failure,
  Finding,
  HostKey: HostKeyView,
  HostKeyImport,
  Job: JobView,
  Plan,
  PlanListItem,
  PlanView,
  Problem,
  Revision: RevisionView,
  Run: RunView,
  RunEvent,
  RunEventBody,
  Site: SiteView,
  SiteNow: SiteNowBody,
  SiteSecret: SiteSecretView,
  Topology,
  TopologyInput,
  TopologyView,
};

export type JsonSchema = Readonly<Record<string, unknown>>;

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });

interface PipeDef {
  readonly type: string;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
}

/** A branded id checks first and transforms (the type only) then: what it checks is what it is. */
function toCheckedSchema(schema: z.core.$ZodType): z.ZodType | null {
  const def = schema._zod.def as PipeDef; // what zod's own generator reads
  const out = def.out?._zod.def as PipeDef | undefined; // the same
  return def.type === 'pipe' && out?.type === 'transform' && def.in ? def.in : null;
}

/**
 * JSON Schema 2020-12 of zod schemas, collecting the named ones. What a request may send and what an answer holds
 * differ where a field has a default, so a named shape that is sent has `Input` behind its name.
 */
export class ComponentSchemas {
  private readonly found = new Map<string, JsonSchema>();

  toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $defs = {}, ...own } = z.toJSONSchema(schema, {
      io,
      metadata: registry,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        const checked = toCheckedSchema(zodSchema);
        if (checked) Object.assign(jsonSchema, z.toJSONSchema(checked));
      },
    });
    for (const [id, value] of Object.entries($defs)) {
      this.found.set(toName(id, io), clean(value, io));
    }
    return clean(own, io);
  }

  /** The named schemas so far, by name. */
  toComponents(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function toName(id: string, io: 'input' | 'output'): string {
  return io === 'output' || id.endsWith('Input') ? id : `${id}Input`;
}

/** Without what only a document of its own carries, and with references into the components. */
function clean(value: unknown, io: 'input' | 'output'): JsonSchema {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (key === '$schema' || key === '~standard') return undefined;
    if (key === '$ref' && typeof inner === 'string') {
      return `#/components/schemas/${toName(inner.replace('#/$defs/', ''), io)}`;
    }
    return inner;
  });
  return JSON.parse(text) as JsonSchema; // an object went in
}
