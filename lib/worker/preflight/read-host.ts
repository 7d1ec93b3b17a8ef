import type { DiskSpeed } from '@/lib/health/check-definition';
import { parseSurvey } from '@/lib/health/parse-survey';
import { DISK_SPEED_SCRIPT } from '@/lib/health/probe-script';
import type { HostSurvey } from '@/lib/health/survey';
import { SURVEY_SCRIPT } from '@/lib/health/survey-script';
import type { FramedShell } from '@/lib/ssh/framed-shell';
import { findRegistrationAddress } from '@/lib/topology/registration';
import type { Topology, TopologyNode } from '@/lib/topology/topology';

/** Every part of the survey is bounded by itself; together they stay below this. */
const SURVEY_TIMEOUT_MS = 60_000;
/** 1,000 writes tell the slowest in a hundred; on a slow disk the time ends them earlier. */
const SYNC_WRITES = 1_000;
const SYNC_SECONDS = 5;

/** Reads what the checks want to know beside the facts; changes nothing. Rejects with HostError, or when it is not whole. */
export async function readSurvey(
  shell: Pick<FramedShell, 'run'>,
  topology: Topology,
  node: TopologyNode,
): Promise<HostSurvey> {
  const { stdout } = await shell.run({
    script: SURVEY_SCRIPT,
    variables: { role: node.role, registration: findRegistrationAddress(topology) ?? '', root: '' },
    timeoutMs: SURVEY_TIMEOUT_MS,
  });
  return parseSurvey(stdout.toString('utf8'), node.id);
}

/**
 * Times synced writes on the disk of RKE2's data: at most 7 MB and ten seconds, in a file without a name that is gone
 * afterwards whatever happens. Rejects with HostError; what the host cannot measure is in the result.
 */
export async function readDiskSpeed(shell: Pick<FramedShell, 'run'>): Promise<DiskSpeed> {
  const { stdout } = await shell.run({
    script: DISK_SPEED_SCRIPT,
    variables: { count: String(SYNC_WRITES), seconds: String(SYNC_SECONDS), root: '' },
    timeoutMs: (SYNC_SECONDS + 60) * 1_000,
  });
  return parseDiskSpeed(stdout.toString('utf8'));
}

export function parseDiskSpeed(text: string): DiskSpeed {
  const match = /^(sync|bound) (\d{1,6}) (\d{1,12}) (\d{1,12})\n$/.exec(text);
  if (match && Number(match[2]) > 0) {
    const [, kind, writes, p99, max] = match;
    const toMs = (micros: string | undefined) => Number(micros) / 1_000;
    return { writes: Number(writes), p99Ms: toMs(p99), maxMs: toMs(max), isUpperBound: kind === 'bound' };
  }
  const reasons: Readonly<Record<string, string>> = {
    'no-room\n': 'no room for the few MB that it writes',
    'no-means\n': 'no program to measure with',
  };
  return { unknown: reasons[text] ?? 'the measurement did not end well' };
}
