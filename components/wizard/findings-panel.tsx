'use client';
import type { StateShape } from '@/lib/core/state-shape';
import type { Finding, Fix, Severity } from '@/lib/rules/finding';
import { toPathText } from '@/lib/topology/edit-topology';
import { Button } from '@/components/ui/button';
import { Panel } from '@/components/ui/panels';
import { StateGlyph } from '@/components/ui/state-mark';
import type { StateInk } from '@/lib/core/state-mark';

const LOOKS: Readonly<Record<Severity, { shape: StateShape; ink: StateInk; word: string }>> = {
  error: { shape: 'square-bar', ink: 'down', word: 'error' },
  warning: { shape: 'triangle', ink: 'degraded', word: 'warning' },
  info: { shape: 'ring', ink: 'ink-soft', word: 'note' },
};

interface FindingProps {
  readonly finding: Finding;
  readonly onFix: (fix: Fix) => void;
  readonly hasPath?: boolean;
}

/** One finding: how bad, where, why, and the way out as a button. */
export function FindingLine({ finding, onFix, hasPath }: FindingProps) {
  const { shape, ink, word } = LOOKS[finding.severity];
  const { fix } = finding;
  return (
    <div className="flex gap-2 py-1">
      <StateGlyph shape={shape} ink={ink} className="mt-1" />
      <div className="min-w-0">
        <span className="sr-only">{word}: </span>
        {hasPath && <span className="drawn-label block">{toPathText(finding.path)}</span>}
        {finding.message}
        {fix && (
          <span className="mt-1 block">
            <Button isCompact onClick={() => onFix(fix)}>
              {fix.title}
            </Button>
          </span>
        )}
      </div>
    </div>
  );
}

interface PanelProps {
  readonly findings: readonly Finding[];
  readonly issues: ReadonlyMap<string, string>;
  readonly onFix: (fix: Fix) => void;
}

/** What schema and rules say to the whole drawing, worst first. */
export function FindingsPanel({ findings, issues, onFix }: PanelProps) {
  const errors = findings.filter((finding) => finding.severity === 'error').length + issues.size;
  const warnings = findings.filter((finding) => finding.severity === 'warning').length;
  return (
    <Panel
      label="findings"
      className="max-h-72 shrink-0 overflow-auto"
      aside={
        <span className="drawn-label py-1" aria-live="polite">
          {errors} to settle, {warnings} to weigh
        </span>
      }
    >
      <div className="divide-y divide-grid px-3 py-1">
        {[...issues].map(([path, message]) => (
          <div key={path} className="flex gap-2 py-1">
            <StateGlyph shape="square-bar" ink="down" className="mt-1" />
            <span>
              <span className="drawn-label block">{path}</span>
              {message}
            </span>
          </div>
        ))}
        {findings.map((finding) => (
          <FindingLine
            key={`${finding.ruleId}-${toPathText(finding.path)}`}
            finding={finding}
            onFix={onFix}
            hasPath
          />
        ))}
        {findings.length === 0 && issues.size === 0 && (
          <p className="py-2 text-soft">The rules have nothing to say.</p>
        )}
      </div>
    </Panel>
  );
}
