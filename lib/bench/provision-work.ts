import { createHash } from 'node:crypto';
import type { Lab } from '@/e2e/lab/lab';
import type { TestStep } from '@/lib/testing/ledger-step';

/** What every host is brought to, by whichever tool: 40 files (four of them units), 20 commands, 4 running units. */
export interface WorkFile {
  readonly path: string;
  readonly content: string;
}

const UNITS = [1, 2, 3, 4].map((n) => `siteplan-bench-${n}.service`);
const COPIED_FROM = '/etc/debian_version';

function toUnitText(unit: string): string {
  return `[Unit]\nDescription=${unit}\n\n[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n`;
}

/** About 1 KiB of `key = value` lines, the same on each call. */
function toConfigText(n: number): string {
  return Array.from({ length: 24 }, (_, line) => {
    const value = createHash('sha256').update(`${n} ${line}`).digest('hex').slice(0, 32);
    return `key_${n}_${line} = ${value}\n`;
  }).join('');
}

const pad = (n: number) => String(n).padStart(2, '0');
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

export const WORK = {
  files: [
    ...numbers(36).map((n): WorkFile => ({
      path: `/srv/bench/files/config-${pad(n)}.conf`,
      content: toConfigText(n),
    })),
    ...UNITS.map((unit): WorkFile => ({ path: `/etc/systemd/system/${unit}`, content: toUnitText(unit) })),
  ],
  copies: numbers(20).map((n) => ({ from: COPIED_FROM, path: `/srv/bench/copies/copy-${pad(n)}` })),
  units: UNITS,
} as const;

/** The same work as steps of the engine, one host's after each other. */
export function toWorkSteps(nodeId: string): TestStep[] {
  const files = WORK.files.map(({ path, content }): TestStep => ({
    nodeId,
    kind: 'file.put',
    params: { path, mode: '0644', owner: 'root', group: 'root', content, secrets: [], dropsStamps: [] },
  }));
  const copies = WORK.copies.map((params): TestStep => ({ nodeId, kind: 'bench.copy', params }));
  const units = WORK.units.map((unit): TestStep => ({
    nodeId,
    kind: 'service.start',
    params: { unit, stamp: 'bench' },
  }));
  return [...files, ...copies, ...units];
}

/** Sets a host back to where neither tool has been, so that both really act. Directories are there for both. */
export async function resetHost(lab: Lab, host: string): Promise<void> {
  const script = `systemctl disable --now ${WORK.units.join(' ')} 2>/dev/null
rm -rf /srv/bench /var/lib/siteplan-host /root/.ansible ${WORK.units.map((unit) => `/etc/systemd/system/${unit}`).join(' ')}
systemctl daemon-reload && mkdir -p /srv/bench/files /srv/bench/copies`;
  const { code, stderr } = await lab.exec(host, ['sh', '-c', script]);
  if (code !== 0) throw new Error(`${host} could not be reset: ${stderr}`);
}

/** Throws where a host is not exactly what the work says. */
export async function checkHost(lab: Lab, host: string): Promise<void> {
  const sums = WORK.files.map(
    ({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`,
  );
  const script = `sha256sum --quiet -c - && for n in ${WORK.copies.map(({ path }) => path).join(' ')}; do cmp -- "$n" ${COPIED_FROM} || exit 1; done
systemctl is-active ${WORK.units.join(' ')} && systemctl is-enabled ${WORK.units.join(' ')}`;
  const { code, stdout, stderr } = await lab.exec(host, ['sh', '-ec', script], { input: sums.join('') });
  if (code !== 0) throw new Error(`${host} is not as the work says: ${stdout} ${stderr}`);
}
