import { toSafeLine } from '@/lib/core/text';
import type { PlanStep } from '@/lib/plan/plan';
import type { NodeFile } from '@/lib/render/rendered-file';
import type { BundleFile } from './bundle-file';
import { toProgram, toTextFile } from './bundle-file';
import { toCheckScript, toRunAllScript } from './node-scripts';
import { kindOf, toScriptName, toStepScript } from './step-script';
import type { Turn } from './to-turns';

/**
 * The files of one node's folder: what its steps write and what the topology asks for, at their real paths below
 * `files/`; what is rendered for later releases below `later/`; the step scripts, and one script that runs them all.
 */
export function listNodeFiles(
  nodeName: string,
  turns: readonly Turn[],
  rendered: readonly NodeFile[],
): BundleFile[] {
  const steps = turns.flatMap((turn) => turn.steps);
  const total = steps.length;
  const payloads = new Map<string, string>();
  for (const file of rendered) payloads.set(toFolderPath(file), file.content);
  const scripts = steps.map(({ number, step }) => {
    const input = placePayload(step, number, payloads);
    const onlyWithUnit = findGuard(step, rendered);
    const script = toStepScript(step, { number, total, nodeName, input, onlyWithUnit });
    return toProgram(`steps/${toScriptName(step, number, total)}`, script);
  });
  return [
    ...(rendered.length > 0 ? [toTextFile('files.txt', printFileList(rendered))] : []),
    ...[...payloads].map(([path, content]) => toTextFile(path, content)),
    ...scripts,
    ...(total > 0
      ? [
          toProgram('run-all.sh', toRunAllScript(nodeName, turns)),
          toProgram('check.sh', toCheckScript(nodeName, total)),
        ]
      : []),
  ];
}

function toFolderPath({ appliedBy, path }: NodeFile): string {
  return `${appliedBy === 'plan' ? 'files' : 'later'}${path}`;
}

/** Puts the step's payload among the node's files and gives its path; null for a step without one. */
function placePayload(step: PlanStep, number: number, payloads: Map<string, string>): string | null {
  const payload = kindOf(step).toPayload(step.params);
  if (payload === null) return null;
  const { path } = step.params;
  const real = typeof path === 'string' ? `files${path}` : null;
  const isFree = real !== null && (payloads.get(real) ?? payload) === payload;
  const place = isFree ? real : `input/${number}.txt`;
  payloads.set(place, payload);
  return place;
}

/** The unit without which a host has no use for what the step writes or reloads. */
function findGuard({ params }: PlanStep, rendered: readonly NodeFile[]): string | null {
  const { path, unit } = params;
  const guarded = rendered.filter(({ onlyWithUnit }) => onlyWithUnit !== null);
  return guarded.find((file) => file.path === path || file.onlyWithUnit === unit)?.onlyWithUnit ?? null;
}

function printFileList(rendered: readonly NodeFile[]): string {
  const lines = rendered.map((file) => {
    const when = [
      ...(file.onlyWithUnit === null ? [] : [`only where ${file.onlyWithUnit} is loaded`]),
      ...(file.readBy.length === 0 ? [] : [`read at the start of ${file.readBy.join(', ')}`]),
      ...(file.appliedBy === 'plan' ? [] : [`not placed by any step: ${file.reason}`]),
    ];
    const columns = [
      file.mode,
      `${file.owner}:${file.group}`,
      toFolderPath(file),
      file.purpose,
      when.join('; ') || '-',
    ];
    return `${columns.map((column) => toSafeLine(column)).join('\t')}\n`;
  });
  return `# mode\towner\tfile\tpurpose\twhen (split by tabs)\n${lines.join('')}`;
}
