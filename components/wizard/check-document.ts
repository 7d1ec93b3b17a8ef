import { checkTopology } from '@/lib/rules/check-topology';
import type { Finding } from '@/lib/rules/finding';
import { toPathText } from '@/lib/topology/edit-topology';
import { toProblems } from '@/lib/topology/issue-words';
import { Topology } from '@/lib/topology/topology';
import type { LooseDocument } from './document';
import { toLooseNodes } from './document';

export interface DocumentCheck {
  /** The document as a topology, null while the schema refuses something. */
  readonly topology: Topology | null;
  /** What the schema refuses, by path text such as `nodes[0].internalIp`. */
  readonly issues: ReadonlyMap<string, string>;
  /** What the rules say; empty while the schema refuses something. */
  readonly findings: readonly Finding[];
}

/** The schema's and the rules' word on a document: the very code that the server runs. */
export function checkDocument(document: LooseDocument): DocumentCheck {
  const result = Topology.safeParse(document, { reportInput: true });
  if (result.success)
    return { topology: result.data, issues: new Map(), findings: checkTopology(result.data) };
  const issues = new Map<string, string>();
  for (const problem of toProblems(result.error)) {
    const path = toPathText(problem.path);
    if (!issues.has(path)) issues.set(path, problem.message);
  }
  for (const [index, node] of toLooseNodes(document).entries()) {
    if (node.internalIp === '') issues.set(`nodes[${index}].internalIp`, 'type the address');
    if (node.name === '') issues.set(`nodes[${index}].name`, 'give it a name');
  }
  return { topology: null, issues, findings: [] };
}

/** Findings at a path; with `below` also those deeper down. */
export function findingsAt(findings: readonly Finding[], path: string, below = false): readonly Finding[] {
  return findings.filter((finding) => {
    const at = toPathText(finding.path);
    return at === path || (below && (at.startsWith(`${path}.`) || at.startsWith(`${path}[`)));
  });
}
