import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readLeaf } from './certificates';
import { httpsRequest } from './https-json';
import type { Layout } from './layout';
import { exitFatal } from './log';
import { serverLeaves } from './server-certificates';
import type { Settings } from './settings';
import { readPodRecords, isPodRunning } from './static-pods';

const dayMs = 86_400_000;

function etcdctl(layout: Layout): string[] {
  const { etcdTls: tls } = layout;
  return [
    '--endpoints=https://127.0.0.1:2379',
    `--cacert=${tls}/server-ca.crt`,
    `--cert=${tls}/client.crt`,
    `--key=${tls}/client.key`,
  ];
}

/** `rke2 etcd-snapshot save|ls`: needs a running server, as the real one does (facts 7.2). */
export async function runEtcdSnapshot(
  argv: readonly string[],
  settings: Settings,
  layout: Layout,
): Promise<void> {
  const folder = settings.snapshotDir ?? layout.snapshots;
  const [action = 'save'] = argv;
  if (['ls', 'list', 'l'].includes(action)) return printSnapshots(folder);
  if (action !== 'save') exitFatal(`etcd-snapshot ${action}: this stand-in can only save and ls yet`);
  const files = { ca: join(layout.tls, 'server-ca') };
  const ping = await httpsRequest('https://127.0.0.1:9345/ping', files).catch(() => null);
  if (ping?.text !== 'pong')
    exitFatal('Error: see server log for details: dial tcp 127.0.0.1:9345: connect: connection refused');
  const named = argv.findIndex((arg) => arg === '--name');
  const prefix =
    argv.find((arg) => arg.startsWith('--name='))?.slice(7) ??
    (named >= 0 ? argv[named + 1] : undefined) ??
    'on-demand';
  const name = `${prefix}-${settings.nodeName}-${Math.floor(Date.now() / 1000)}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  execFileSync('etcdctl', [...etcdctl(layout), 'snapshot', 'save', path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  chmodSync(path, 0o600);
  process.stdout.write(`Snapshot ${name} saved.\n`);
}

function printSnapshots(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith('.part')) : [];
  const rows = names.map((name) => {
    const { size, mtime } = statSync(join(folder, name));
    return [name, `file://${join(folder, name)}`, String(size), mtime.toISOString().replace(/\.\d+Z$/, 'Z')];
  });
  printTable([['Name', 'Location', 'Size', 'Created'], ...rows]);
}

/** `rke2 certificate check`: every leaf with its end and whether the next start will renew it (facts 6). */
export function runCertificate(argv: readonly string[], settings: Settings, layout: Layout): void {
  if (argv[0] !== 'check') exitFatal(`certificate ${argv[0] ?? ''}: this stand-in can only check yet`);
  const now = Date.now();
  const rows = serverLeaves(settings, layout).flatMap((spec) => {
    const certificate = readLeaf(`${spec.path}.crt`);
    if (certificate === null) return [];
    const restDays = Math.floor((Date.parse(certificate.validTo) - now) / dayMs);
    const status = restDays < 0 ? 'EXPIRED' : restDays < 120 ? 'WARNING' : 'OK';
    const expires = new Date(certificate.validTo).toISOString().replace(/\.\d+Z$/, 'Z');
    return [
      [
        `${basename(spec.path)}.crt`,
        `CN=${spec.commonName}`,
        spec.usages.join(','),
        expires,
        `${restDays} days`,
        status,
      ],
    ];
  });
  printTable([['FILENAME', 'SUBJECT', 'USAGES', 'EXPIRES', 'RESIDUAL TIME', 'STATUS'], ...rows]);
}

/** `rke2 token generate`: a bootstrap token, not stored anywhere. */
export function runToken(argv: readonly string[]): void {
  if (argv[0] !== 'generate') exitFatal(`token ${argv[0] ?? ''}: this stand-in can only generate yet`);
  const digits = (count: number) => [...randomBytes(count)].map((byte) => (byte % 36).toString(36)).join('');
  process.stdout.write(`${digits(6)}.${digits(16)}\n`);
}

/**
 * As much of crictl as reading etcd needs: `ps` and `exec ID COMMAND`. A container's file system is the host's here.
 */
export function runCrictl(argv: readonly string[]): void {
  const running = readPodRecords().filter(isPodRunning);
  if (argv[0] === 'ps') {
    const at = argv.indexOf('--name');
    const pattern = new RegExp(at >= 0 ? (argv[at + 1] ?? '') : '');
    const found = running.filter((record) => pattern.test(record.name));
    if (argv.includes('-q')) for (const record of found) process.stdout.write(`${record.id}\n`);
    else
      printTable([
        ['CONTAINER', 'STATE', 'NAME', 'ATTEMPT'],
        ...found.map((record) => [record.id.slice(0, 13), 'Running', record.name, String(record.restarts)]),
      ]);
    return;
  }
  const [, id = '', program, ...args] = argv;
  const record = running.find((candidate) => id !== '' && candidate.id.startsWith(id));
  if (argv[0] !== 'exec' || record === undefined || program === undefined)
    exitFatal(`crictl ${argv.join(' ')}: not found`);
  const result = spawnSync(program, args, { stdio: 'inherit' });
  process.exit(result.status ?? 1);
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  for (const row of rows) {
    process.stdout.write(
      `${row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join(' ')
        .trimEnd()}\n`,
    );
  }
}
