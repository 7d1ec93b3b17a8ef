import { EDGE_TIMERS } from '@/lib/topology/edge-timers';
import type { Topology } from '@/lib/topology/topology';
import { findEffectiveValue, findGoDurationMs, toFlag } from './component-args';
import type { Component } from './component-args';
import { toHit, toSetFix } from './rule';
import type { Hit, Rule } from './rule';

/** What RKE2 passes to etcd (upstream has 100 and 1000). */
const ETCD_USUAL = { heartbeatMs: 500, electionMs: 5_000 };
const ETCD_TUNING = 'etcd documentation, tuning; RKE2 passes 500 and 5000 ms';

/** Inequalities between timers: components that break them end at start or flap. */
export const TIMER_RULES: readonly Rule[] = [
  {
    id: 'etcd-election-timeout',
    severity: 'error',
    source: ETCD_TUNING,
    find: ({ etcd }) => {
      const heartbeatMs = etcd.heartbeatIntervalMs ?? ETCD_USUAL.heartbeatMs;
      const electionMs = etcd.electionTimeoutMs ?? ETCD_USUAL.electionMs;
      if (electionMs >= 5 * heartbeatMs) return [];
      return [
        toHit(
          ['etcd', 'electionTimeoutMs'],
          `An election timeout of ${electionMs} ms is under five times the heartbeat of ${heartbeatMs} ms; etcd would not start.`,
          heartbeatMs * 5 <= 50_000
            ? toSetFix(
                'Use ten heartbeats',
                ['etcd', 'electionTimeoutMs'],
                Math.min(50_000, heartbeatMs * 10),
              )
            : toSetFix('Use RKE2’s heartbeat of 500 ms', ['etcd', 'heartbeatIntervalMs'], 500),
        ),
      ];
    },
  },
  {
    id: 'leader-election',
    severity: 'error',
    source: 'client-go leaderelection (lease > renew deadline > 1.2 × retry period)',
    find: (topology) =>
      (['kubeControllerManager', 'kubeScheduler'] as const).flatMap((component) =>
        leaderHits(topology, component),
      ),
  },
  {
    id: 'node-grace-period',
    severity: 'error',
    source: 'kube-controller-manager reference, node-monitor-grace-period',
    find: graceHits,
  },
];

function leaderHits(topology: Topology, component: 'kubeControllerManager' | 'kubeScheduler'): Hit[] {
  const [lease, renew, retry] = (
    [
      ['leader-elect-lease-duration', 15_000],
      ['leader-elect-renew-deadline', 10_000],
      ['leader-elect-retry-period', 2_000],
    ] as const
  ).map(([flag, usualMs]) => findDurationMs(topology, component, flag, usualMs));
  // A malformed duration is the business of argument-form.
  if (lease == null || renew == null || retry == null) return [];
  if (lease > renew && renew > 1.2 * retry) return [];
  const path = ['rke2', 'serverArgs', component];
  const rest = topology.rke2.serverArgs[component].filter(
    (argument) => !toFlag(argument).flag.startsWith('leader-elect-'),
  );
  return [
    toHit(
      path,
      `Leader election wants lease > renew deadline > 1.2 × retry period, but they are ${lease / 1000}, ${renew / 1000} and ${retry / 1000} s; the component would end at start.`,
      toSetFix('Use the usual times', path, rest),
    ),
  ];
}

function graceHits(topology: Topology): Hit[] {
  const flag = 'node-monitor-grace-period';
  const graceMs = findDurationMs(topology, 'kubeControllerManager', flag, 50_000);
  const dropInMs = topology.edge.relaxedTimers
    ? EDGE_TIMERS.kubelet.nodeStatusUpdateFrequencyS * 1000
    : 10_000;
  const frequencyMs = findDurationMs(topology, 'kubelet', 'node-status-update-frequency', dropInMs);
  if (graceMs === null || frequencyMs === null) return [];
  if (graceMs >= 2 * frequencyMs && graceMs > 45_000) return [];
  const path = ['rke2', 'serverArgs'];
  const without = (component: Component, name: string) =>
    topology.rke2.serverArgs[component].filter((argument) => toFlag(argument).flag !== name);
  return [
    toHit(
      [...path, 'kubeControllerManager'],
      `A node counts as lost after ${graceMs / 1000} s, but it reports every ${frequencyMs / 1000} s and a broken connection is noticed after 45 s. Use more than 45 s and at least two reports.`,
      toSetFix('Use the usual times', path, {
        ...topology.rke2.serverArgs,
        kubeControllerManager: without('kubeControllerManager', flag),
        kubelet: without('kubelet', 'node-status-update-frequency'),
      }),
    ),
  ];
}

function findDurationMs(
  topology: Topology,
  component: Component,
  flag: string,
  usualMs: number,
): number | null {
  const value = findEffectiveValue(topology, component, flag);
  return value === null ? usualMs : findGoDurationMs(value);
}
