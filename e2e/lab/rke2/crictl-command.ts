import { spawnSync } from 'node:child_process';
import { exitFatal } from './log';
import { printTable } from './print-table';
import { isPodRunning, readPodRecords } from './static-pods';

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
