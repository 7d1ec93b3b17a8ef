import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { SYSCTL_PATH } from './host-files';
import { KEEPALIVED_PATH, NGINX_STREAM_PATH } from './load-balancer';
import { renderNode } from './render-node';

/** Contract 12: rendered files meet their own programs. A missing program fails; it does not skip. */
describe('rendered files', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'siteplan-render-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('satisfy nginx -t', () => {
    expect(testNginx(contentOf('lb1', NGINX_STREAM_PATH))).toEqual({
      status: 0,
      words: expect.stringContaining('test is successful') as string,
    });
  });

  it('and nginx -t does refuse a broken one', () => {
    const broken = contentOf('lb1', NGINX_STREAM_PATH).replace('least_conn;', 'least_con;');
    expect(testNginx(broken)).toEqual({
      status: 1,
      words: expect.stringContaining('unknown directive "least_con"') as string,
    });
  });

  it('satisfy keepalived --config-test', () => {
    const result = testKeepalived(contentOf('lb2', KEEPALIVED_PATH));
    // keepalived trusts a script only where it belongs to the user that runs it; files on hosts belong to root.
    const isRoot = process.getuid?.() === 0;
    const untrusted = {
      status: 5,
      words: expect.stringMatching(/^Disabling track script siteplan_nginx due to insecure\s*$/) as string,
    };
    expect(result).toEqual(isRoot ? { status: 0, words: '' } : untrusted);
  });

  it('and keepalived --config-test does refuse a broken one', () => {
    const broken = contentOf('lb2', KEEPALIVED_PATH).replace('virtual_router_id 51', 'virtual_router_id 999');
    expect(testKeepalived(broken)).toEqual({
      status: 5,
      words: expect.stringContaining('outside range [1, 255]') as string,
    });
  });

  it('satisfy sysctl, every name of the CIS profile included', () => {
    const content = contentOf('s1', SYSCTL_PATH);
    expect(testSysctl(content).status).toBe(0);
    const names = [...content.matchAll(/^(\S+) = /gm)].map(([, name = '']) => name);
    expect(names).toHaveLength(8);
    expect(run('sysctl', ['--values', ...names])).toMatchObject({ status: 0 });
    expect(run('sysctl', ['--values', 'vm.no_such_name'])).not.toMatchObject({ status: 0 });
  });

  function testNginx(stream: string) {
    writeFileSync(join(dir, 'stream.conf'), stream);
    // Debian's own main file does the same: modules first, then the files beside them, all in the top level.
    const main = [
      `include /etc/nginx/modules-enabled/50-mod-stream.conf;`,
      `include ${join(dir, 'stream.conf')};`,
      `pid ${join(dir, 'pid')};`,
      'error_log stderr;',
      'events {}',
      '',
    ];
    writeFileSync(join(dir, 'nginx.conf'), main.join('\n'));
    return run('nginx', ['-t', '-c', join(dir, 'nginx.conf')]);
  }

  function testKeepalived(config: string) {
    writeFileSync(join(dir, 'keepalived.conf'), config, { mode: 0o644 });
    return run('keepalived', ['--config-test', '--log-console', '--use-file', join(dir, 'keepalived.conf')]);
  }

  function testSysctl(config: string) {
    writeFileSync(join(dir, 'sysctl.conf'), config);
    return run('sysctl', ['--dry-run', '--load', join(dir, 'sysctl.conf')]);
  }
});

function contentOf(name: string, path: string): string {
  const [networkInterface] = readdirSync('/sys/class/net').filter((candidate) => candidate !== 'lo');
  if (networkInterface === undefined) throw new Error('keepalived needs an interface other than loopback');
  const { registration } = exampleLayout();
  const topology = exampleLayout({
    registration: { ...registration, interface: networkInterface },
    security: { serverToken: SERVER_TOKEN, cisProfile: true },
  });
  const file = renderNode(topology, NodeId.parse(`n-${name}`)).find((candidate) => candidate.path === path);
  if (!file) throw new Error(`${name} has no ${path}`);
  return file.content;
}

function run(program: string, args: string[]) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  if (error) throw error;
  return { status, words: stdout + stderr };
}
