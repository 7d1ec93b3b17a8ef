import type { Role } from '@/lib/topology/topology';
import type { CheckFinding } from './check-definition';
import type { NodeFacts } from './facts';

interface Words {
  readonly value: string;
  readonly whole?: string;
  readonly threshold: string;
  readonly why: string;
  readonly fix: string;
}

/** A finding by a status; the fix of a check that is ok is left out. */
export function toFinding(status: CheckFinding['status'], words: Words): CheckFinding {
  return { status, ...words, fix: status === 'ok' ? '' : words.fix };
}

/** A warning that nothing is known, and why not: `value` without its first word. */
export function toUnknown(words: Words): CheckFinding {
  return { status: 'warn', ...words, value: `unknown: ${words.value}`, isUnknown: true };
}

/** `fail` below `min`, `warn` below `good`, ok from there. */
export function toLevel(value: number, min: number, good: number): CheckFinding['status'] {
  if (value < min) return 'fail';
  return value < good ? 'warn' : 'ok';
}

/** Servers and agents; a load balancer runs no RKE2. */
export function isClusterNode({ role }: { readonly role: Role }): boolean {
  return role !== 'lb';
}

/** True where RKE2 on the host was installed by us: what runs there is this cluster. */
export function isOurs(facts: NodeFacts): boolean {
  return facts.stamps['rke2-install'] !== undefined;
}

/** True where we installed the programs of a load balancer, or took over those that the host had. */
export function isOurBalancer(facts: NodeFacts): boolean {
  return facts.stamps['lb-packages'] !== undefined;
}

export function isActive(facts: NodeFacts, unit: string): boolean {
  return facts.units[unit]?.active === 'active';
}

/** At most `max` of the names, and how many more there are. */
export function toShortList(names: readonly string[], max = 3, separator = ', '): string {
  const shown = names.slice(0, max).join(separator);
  return names.length > max ? `${shown} and ${names.length - max} more` : shown;
}
