import { parseTopologyDocument } from './parse-topology-document';
import type { ParseOptions } from './parse-topology-document';
import { parseYaml } from './parse-yaml';
import type { Topology } from './topology';

/**
 * A topology from YAML or JSON text; like `parseTopologyDocument`, with the lines of problems. Throws an `AppError`
 * with code `invalid`, also for text that is no YAML, too large, or uses anchors.
 */
export function parseTopology(text: string, options: ParseOptions): Topology {
  const { value, findLine } = parseYaml(text);
  return parseTopologyDocument(value, options, findLine);
}
