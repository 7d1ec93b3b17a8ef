import { EDGE_TIMERS } from '@/lib/topology/edge-timers';
import type { Topology } from '@/lib/topology/topology';

export type Component = keyof Topology['rke2']['serverArgs'];

export const COMPONENTS: readonly Component[] = [
  'kubeApiserver',
  'kubeControllerManager',
  'kubeScheduler',
  'kubelet',
];

/** Flag and value of `flag=value`. */
export function toFlag(argument: string): { flag: string; value: string } {
  const equals = argument.indexOf('=');
  return { flag: argument.slice(0, equals), value: argument.slice(equals + 1) };
}

/**
 * The value of a flag as the component will see it: the document's last one, else the edge timer, else null.
 */
export function findEffectiveValue(topology: Topology, component: Component, flag: string): string | null {
  const timers: readonly string[] =
    topology.edge.relaxedTimers && component !== 'kubelet' ? EDGE_TIMERS[component] : [];
  const values = [...timers, ...topology.rke2.serverArgs[component]].map(toFlag);
  return values.findLast((argument) => argument.flag === flag)?.value ?? null;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a Go duration such as `1m30s` or `0.5h`, or null when it is none (Go time.ParseDuration). */
export function findGoDurationMs(text: string): number | null {
  if (text === '0') return 0;
  if (!/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return total;
}
