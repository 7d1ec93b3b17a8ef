import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { findFreePort } from '@/lib/testing/find-free-port';
import { findShells, runScript, type Shell } from '@/lib/testing/run-step';
import { waitFor } from '@/lib/testing/wait-for';
import { DIAL_SCRIPT, DISK_SPEED_SCRIPT, END_LISTENER_SCRIPT, LISTEN_SCRIPT } from './probe-script';

const isRoot = process.getuid?.() === 0;
const TOKEN = 'f00dfeedf00dfeedf00dfeedf00dfeed';
let root = '';
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-probe-'));
  for (const dir of ['bin', 'var/lib']) mkdirSync(join(root, dir), { recursive: true });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
  rmSync(root, { recursive: true, force: true });
});

/** Hides programs of this machine behind ones that fail, as on a host that lacks them. */
function hide(...names: string[]): void {
  for (const name of names) writeFileSync(join(root, 'bin', name), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
}

interface Listener {
  readonly lines: string[];
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

function start(shell: Shell, spec: readonly string[], seconds = '30'): Listener {
  const [program, ...args] = shell;
  const variables = { root, spec: spec.join('\n'), token: TOKEN, seconds };
  const child = spawn(program, [...args, '-c', toShellAssignments(variables) + LISTEN_SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const ended = once(child, 'exit');
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return { lines, child, ended };
}

async function listen(...args: Parameters<typeof start>): Promise<Listener> {
  const listener = start(...args);
  const { lines } = listener;
  await waitFor(() => lines.includes('ready') || lines.includes('no-means'), { what: 'the listener' });
  return listener;
}

async function dial(shell: Shell, lines: readonly string[], wait = '2'): Promise<string[]> {
  const variables = { root, wait, arp: '' };
  const input = lines.map((line) => `${line}\n`).join('');
  const result = await runScript(shell, DIAL_SCRIPT, variables, { cwd: root, input });
  expect(result.stderr).toBe('');
  return result.stdout.trim().split('\n');
}

async function serve(says: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(says)).listen(
    0,
    '127.0.0.1',
  );
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // a TCP server has one
}

const MEANS = [
  ['Python', ['perl']],
  ['Perl', ['python3']],
] as const;

describe.each(MEANS)('listeners and dials with %s', (_name, hidden) => {
  const shell: Shell = ['sh'];
  beforeEach(() => hide(...hidden));

  it('never wait in a read beyond their time: every socket of a listener is non-blocking', async () => {
    const port = await findFreePort();
    const { lines } = await listen(shell, [`tcp 127.0.0.1 ${port}`, `udp 127.0.0.1 ${port}`]);
    const process = `/proc/${lines.find((line) => line.startsWith('pid '))?.slice(4)}`;
    const sockets = readdirSync(`${process}/fd`).filter(
      (fd) => Number(fd) > 2 && readlinkSync(`${process}/fd/${fd}`).startsWith('socket:'),
    );
    expect(sockets).toHaveLength(2);
    const flags = sockets.map((fd) =>
      /^flags:\s+(\d+)$/m.exec(readFileSync(`${process}/fdinfo/${fd}`, 'utf8')),
    );
    expect(flags.filter((found) => (parseInt(found?.[1] ?? '0', 8) & constants.O_NONBLOCK) === 0)).toEqual(
      [],
    );
  });

  it('find an open port, a refused one, a stranger and one that the real program holds', async () => {
    const [open, closed, held] = [await findFreePort(), await findFreePort(), await serve('')];
    const stranger = await serve('HTTP/1.1 400 Bad Request\r\n');
    const { lines } = await listen(shell, [`tcp 127.0.0.1 ${open}`, `tcp 127.0.0.1 ${held}`]);
    expect(lines.filter((line) => !/^pid \d+$/.test(line)).slice(0, 4)).toEqual([
      'siteplan-listen 1',
      `listening tcp ${open}`,
      `taken tcp ${held}`,
      'ready',
    ]);
    const found = await dial(shell, [
      `0 tcp 127.0.0.1 127.0.0.1 ${open} ${TOKEN}`,
      `1 tcp 127.0.0.1 127.0.0.1 ${closed} ${TOKEN}`,
      `2 tcp 127.0.0.1 127.0.0.1 ${stranger} ${TOKEN}`,
      `3 tcp 127.0.0.1 127.0.0.1 ${held} -`,
      `4 tcp 198.51.100.77 127.0.0.1 ${open} ${TOKEN}`,
    ]);
    expect(found).toEqual([
      'siteplan-dial 1',
      '0 open',
      '1 refused',
      '2 stranger',
      '3 open',
      '4 no-source',
      'end',
    ]);
  });

  it('find UDP that is answered, refused and silent', async () => {
    const [open, closed] = [await findFreePort(), await findFreePort()];
    const mute = createSocket('udp4').bind(0, '127.0.0.1');
    await once(mute, 'listening');
    await listen(shell, [`udp 127.0.0.1 ${open}`]);
    const found = await dial(shell, [
      `0 udp 127.0.0.1 127.0.0.1 ${open} ${TOKEN}`,
      `1 udp 127.0.0.1 127.0.0.1 ${closed} ${TOKEN}`,
      `2 udp 127.0.0.1 127.0.0.1 ${mute.address().port} ${TOKEN}`,
      `3 udp 127.0.0.1 127.0.0.1 ${open} other`,
    ]);
    mute.close();
    expect(found.slice(1, -1)).toEqual(['0 open', '1 refused', '2 blocked', '3 blocked']);
  });

  it.skipIf(!isRoot)('find VRRP and echoes, small and large', async () => {
    await listen(shell, ['vrrp 127.0.0.1 0']);
    const found = await dial(shell, [
      `0 vrrp 127.0.0.1 127.0.0.1 0 ${TOKEN}`,
      `1 vrrp 127.0.0.1 127.0.0.1 0 another`,
      '2 icmp 127.0.0.1 127.0.0.1 0 56',
      '3 icmp 127.0.0.1 127.0.0.1 0 1472',
    ]);
    expect(found.slice(1, -1)).toEqual(['0 open', '1 blocked', '2 open', '3 open']);
  });

  it('end by themselves: at their time, and when nobody reads any more', async () => {
    const port = await findFreePort();
    const timed = await listen(shell, [`tcp 127.0.0.1 ${port}`], '1');
    await timed.ended;
    const unread = await listen(shell, [`tcp 127.0.0.1 ${port}`]);
    unread.child.stdout?.destroy();
    await unread.ended;
    expect((await listen(shell, [`tcp 127.0.0.1 ${port}`])).lines).toContain(`listening tcp ${port}`);
  });

  it('are ended by their number and token, and by nothing else', async () => {
    const { lines, child, ended } = await listen(shell, [`tcp 127.0.0.1 ${await findFreePort()}`]);
    const pid = lines.find((line) => line.startsWith('pid '))?.slice(4) ?? '';
    const end = (token: string) => runScript(shell, END_LISTENER_SCRIPT, { pid, token }, { cwd: root });
    const wrong = await end('another');
    expect(wrong).toMatchObject({ code: 0, stderr: '' });
    expect(child.exitCode).toBeNull();
    expect(child.signalCode).toBeNull();
    const right = await end(TOKEN);
    expect(right).toMatchObject({ code: 0, stderr: '' });
    await ended;
    expect(child.signalCode).toBe('SIGTERM');
  });

  it('wait a moment for a port that is about to be free', async () => {
    const port = await findFreePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    const { lines } = start(shell, [`tcp 127.0.0.1 ${port}`]);
    // It has tried once by then, or is about to.
    await waitFor(() => lines.some((line) => line.startsWith('pid ')), { what: 'the listener to start' });
    holder.close();
    await waitFor(() => lines.includes('ready'), { what: 'the listener' });
    expect(lines).toContain(`listening tcp ${port}`);
  });

  it('time the disk with a file that has no name, and leave nothing', async () => {
    const variables = { root, count: '20', seconds: '5' };
    const { stdout, stderr } = await runScript(shell, DISK_SPEED_SCRIPT, variables, { cwd: root });
    expect(stderr).toBe('');
    const [, count, p99, max] = /^sync (\d+) (\d+) (\d+)\n$/.exec(stdout)?.map(Number) ?? [];
    expect(count).toBe(20);
    expect(p99).toBeGreaterThan(0);
    expect(max).toBeGreaterThanOrEqual(p99 ?? Infinity);
    expect(readdirSync(join(root, 'var/lib'))).toEqual([]);
  });
});

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))('with $name', ({ shell }) => {
  it('a host with neither language says so, and still bounds its disk with dd', async () => {
    hide('python3', 'perl');
    expect((await listen(shell, ['tcp 127.0.0.1 1'])).lines).toEqual(['no-means']);
    expect(await dial(shell, ['0 tcp 127.0.0.1 127.0.0.1 1 x'])).toEqual(['no-means']);
    const variables = { root, count: '20', seconds: '1' };
    const { stdout } = await runScript(shell, DISK_SPEED_SCRIPT, variables, { cwd: root });
    expect(stdout).toMatch(/^bound [1-9]\d* [1-9]\d* [1-9]\d*\n$/);
    expect(readdirSync(join(root, 'var/lib'))).toEqual([]);
  });

  it('a Python outside of PATH, as RHEL 8 has it, is found', async () => {
    hide('python3', 'perl');
    mkdirSync(join(root, 'usr/libexec'), { recursive: true });
    symlinkSync('/usr/bin/python3', join(root, 'usr/libexec/platform-python'));
    expect(await dial(shell, [])).toEqual(['siteplan-dial 1', 'end']);
  });

  it('a full disk is not written to', async () => {
    writeFileSync(join(root, 'bin/df'), '#!/bin/sh\necho x\necho / 1 1 100 1 /\n', { mode: 0o755 });
    const variables = { root, count: '20', seconds: '1' };
    const { stdout } = await runScript(shell, DISK_SPEED_SCRIPT, variables, { cwd: root });
    expect(stdout).toBe('no-room\n');
    expect(readdirSync(join(root, 'var/lib'))).toEqual([]);
  });
});
