import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout';

/** Starts one component of the stand-in, as a file of the component's name. */
function launcher(component: string): string {
  return `#!/bin/sh\nexec /usr/bin/node "$(dirname "$(readlink -f "$0")")/stand-in.cjs" ${component} "$@"\n`;
}

/**
 * Waits for its container, as containerd's shim does: it outlives whoever started it, and killing its tree ends the
 * container.
 */
const shimScript = `#!/bin/sh
# containerd-shim-runc-v2 -namespace NS -id ID -log FILE COMMAND... (stand-in)
log=$6; shift 6
PATH=$(dirname "$0"):/usr/sbin:/usr/bin:/sbin:/bin
export PATH
"$@" >>"$log" 2>&1 </dev/null
code=$?
exit "$code"
`;

/**
 * Puts the tools where RKE2 unpacks them: `data/<version>-<hash>/bin`, with `bin` a link to it (facts 1.2).
 * kubectl is the host's own.
 */
export function unpackTools(layout: Layout, version: string, self: string): void {
  const hash = createHash('sha256').update(readFileSync(self)).digest('hex').slice(0, 12);
  const bin = join(layout.versions, `${version.replace('+', '-')}-${hash}`, 'bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(self, join(bin, 'stand-in.cjs'));
  const scripts: Record<string, string> = { 'containerd-shim-runc-v2': shimScript };
  for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'crictl']) {
    scripts[component] = launcher(component);
  }
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  if (!existsSync(join(bin, 'kubectl'))) symlinkSync('/usr/bin/kubectl', join(bin, 'kubectl'));
  rmSync(layout.bin, { force: true, recursive: true });
  symlinkSync(bin, layout.bin);
}
