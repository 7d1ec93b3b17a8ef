import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NGINX_STREAM_PATH, KEEPALIVED_PATH } from '@/lib/render/load-balancer';
import { findShells, runStepPart } from '@/lib/testing/run-step';
import { lbPackages } from './lb-packages';
import { lbPut, NGINX_LINK_STAMP } from './lb-put';
import { lbReady } from './lb-ready';
import { findStepFailure, parseStepOutputs } from './script-output';
import { serviceStop } from './service-stop';
import type { StepKind } from './step-kind';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';

const me = userInfo().username;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-lb-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}
const get = (path: string) => readFileSync(join(root, path), 'utf8');
const has = (path: string) => existsSync(join(root, path));
/** A program of the host below the root; `$root` in it is the root. */
const program = (path: string, body: string) =>
  put(path, `#!/bin/sh\nroot='${root}'\necho "\${0##*/} $*" >> "$root/calls"\n${body}\n`, 0o755);
const stampOf = (name: string) => {
  const path = `var/lib/siteplan-host/stamps/${name}`;
  return has(path) ? get(path).trim() : null;
};

const DYNAMIC = `echo 'nginx version: nginx/1.22.1
configure arguments: --modules-path=/usr/lib/nginx/modules --with-stream=dynamic' >&2`;

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'a load balancer with $name',
  ({ shell }) => {
    const run = (kind: StepKind, part: 'probe' | 'act' | 'verify', params: unknown, overrides = {}) =>
      runStepPart(kind, part, { shell, root, params, overrides });

    describe('programs', () => {
      const both = { keepalived: true };

      it('that are there are left alone; only the stamp is new', async () => {
        program('usr/sbin/nginx', DYNAMIC);
        put('usr/lib/nginx/modules/ngx_stream_module.so', '');
        program('usr/sbin/keepalived', 'exit 0');
        program('usr/bin/apt-get', 'exit 9');
        expect((await run(lbPackages, 'probe', both)).code).toBe(PROBE_NEEDED);
        const act = await run(lbPackages, 'act', both);
        expect(act).toMatchObject({ code: 0, stdout: 'everything is installed already\n', stderr: '' });
        expect(stampOf('lb-packages')).toBe('nginx-keepalived');
        expect(get('calls')).not.toContain('apt-get');
        expect((await run(lbPackages, 'verify', both)).code).toBe(0);
        expect((await run(lbPackages, 'probe', both)).code).toBe(PROBE_SATISFIED);
        expect((await run(lbPackages, 'probe', { keepalived: false })).code).toBe(PROBE_NEEDED);
        rmSync(join(root, 'usr/sbin/keepalived'));
        expect((await run(lbPackages, 'verify', both)).stderr).toContain('missing: keepalived');
      });

      it.each([
        ['built in', '--with-stream --with-threads', true],
        ['built in, at the end of the line', '--with-threads --with-stream', true],
        ['not built', '--with-threads --with-stream_ssl_module', false],
        [
          'a module that is not installed',
          '--modules-path=/usr/lib/nginx/modules --with-stream=dynamic',
          false,
        ],
        ['a module without a folder', '--with-stream=dynamic', false],
      ])('know of an nginx whether its stream module is %s', async (_what, words, isThere) => {
        program('usr/sbin/nginx', `echo 'configure arguments: ${words}' >&2`);
        put('var/lib/siteplan-host/stamps/lb-packages', 'nginx\n');
        const { code } = await run(lbPackages, 'probe', { keepalived: false });
        expect(code).toBe(isThere ? PROBE_SATISFIED : PROBE_NEEDED);
      });

      it.each([
        ['apt-get', 'usr/bin/apt-get', 'nginx libnginx-mod-stream keepalived'],
        ['dnf', 'usr/bin/dnf', 'nginx nginx-mod-stream keepalived'],
        ['yum', 'usr/bin/yum', 'nginx nginx-mod-stream keepalived'],
        ['zypper', 'usr/bin/zypper', 'nginx keepalived'],
      ])('come by %s, and only what is missing', async (name, path, packages) => {
        put('made/nginx', `#!/bin/sh\n${DYNAMIC.replace('=dynamic', '')}\n`, 0o755);
        put('made/keepalived', '#!/bin/sh\n', 0o755);
        const make = 'mkdir -p "$root/usr/sbin"; cp "$root"/made/* "$root/usr/sbin/"';
        program(path, `case "$*" in *install*) ${make} ;; esac`);
        expect((await run(lbPackages, 'act', both)).stderr).toBe('');
        expect(get('calls')).toMatch(new RegExp(`^${name} .*install.* ${packages}$`, 'm'));
        expect((await run(lbPackages, 'probe', both)).code).toBe(PROBE_SATISFIED);
        rmSync(join(root, 'usr/sbin/keepalived'));
        rmSync(join(root, 'calls'));
        expect((await run(lbPackages, 'act', both)).code).toBe(0);
        expect(get('calls')).toMatch(/install.* keepalived$/m);
        expect(get('calls')).not.toMatch(/install.* nginx/);
      });

      it.each([
        [
          'E: Unable to locate package nginx',
          'download-failed',
          /no package repository of this host has nginx/,
        ],
        [
          'E: Failed to fetch http://user:secret@x/y  Could not connect',
          'download-failed',
          /could not be fetched/,
        ],
        [
          'E: Could not get lock /var/lib/dpkg/lock-frontend',
          'package-lock-held',
          /another program is installing/,
        ],
        ['E: You do not have enough free space in /var', 'disk-full', /no room/],
        ['E: something else', 'step-exit', /ended with 100; give this host a package repository/],
      ])('that do not come say why and what to do: %s', async (words, code, message) => {
        program('usr/bin/apt-get', `case "$*" in *install*) echo '${words}' >&2; exit 100 ;; esac`);
        const act = await run(lbPackages, 'act', both);
        expect(act.code).toBe(1);
        expect(findStepFailure(act.stderr)).toMatchObject({
          code,
          message: expect.stringMatching(message) as string,
        });
        expect(act.stdout).toContain(words.replace('user:secret@', '').slice(0, 30));
        expect(act.stdout + act.stderr).not.toContain('user:secret');
        expect(stampOf('lb-packages')).toBeNull();
      });

      it('that the package manager says it installed and did not are no success', async () => {
        program('usr/bin/dnf', 'exit 0');
        expect((await run(lbPackages, 'act', both)).stderr).toContain(
          'still missing after the installation: nginx stream keepalived',
        );
      });

      it('cannot come where no package manager is known', async () => {
        expect((await run(lbPackages, 'act', both)).stderr).toContain(
          'there is neither apt-get nor dnf, yum or zypper on this host; install nginx stream keepalived by hand',
        );
      });
    });

    describe('a file', () => {
      const params = (more: object = {}) => ({
        program: 'nginx',
        path: NGINX_STREAM_PATH,
        mode: '0644',
        owner: me,
        group: me,
        content: 'stream {}\n',
        secrets: [],
        dropsStamps: ['nginx.service'],
        ...more,
      });
      const MAIN = 'user x;\ninclude /etc/nginx/modules-enabled/*.conf;\nevents {}\n';
      const EL_MAIN = 'user x;\n  include  /usr/share/nginx/modules/*.conf;\nevents {}\n';
      /** Says what it was given to read: the main file, and what that includes. */
      const TRYING = `main=$3; cat "$main"; folder=$(sed -n 's|^ *include *\\(.*\\)/\\*.conf;|\\1|p' "$main"); ls "$folder"; cat "$folder"/*.conf > "$root/read"
if grep -q broken "$root/read"; then echo 'unknown directive "broken"'; exit 1; fi`;

      it('is read by nginx in the host’s own configuration before it is taken', async () => {
        put('etc/nginx/nginx.conf', MAIN);
        put('etc/nginx/modules-enabled/50-mod-stream.conf', 'load_module stream;\n');
        put(NGINX_STREAM_PATH, 'old\n');
        put('var/lib/siteplan-host/stamps/nginx.service', 'abc\n');
        program('usr/sbin/nginx', TRYING);
        expect((await run(lbPut, 'probe', params())).code).toBe(PROBE_NEEDED);
        expect(await run(lbPut, 'act', params())).toMatchObject({ code: 0, stderr: '' });
        expect(get('read')).toBe('load_module stream;\nstream {}\n');
        expect(get(NGINX_STREAM_PATH)).toBe('stream {}\n');
        expect(stampOf('nginx.service')).toBeNull();
        expect((await run(lbPut, 'verify', params())).code).toBe(0);
        expect((await run(lbPut, 'probe', params())).code).toBe(PROBE_SATISFIED);
        expect(readdirSync(join(root, 'etc/nginx'))).toEqual(['modules-enabled', 'nginx.conf']);
        expect(readdirSync(join(root, 'etc/nginx/modules-enabled'))).toHaveLength(2);
        expect(get('etc/nginx/nginx.conf')).toBe(MAIN);
      });

      it('that nginx refuses never replaces a good one, and its words are told', async () => {
        put('etc/nginx/nginx.conf', MAIN);
        put(NGINX_STREAM_PATH, 'good\n');
        put('var/lib/siteplan-host/stamps/nginx.service', 'abc\n');
        put('etc/nginx/.siteplan-trial/left.conf', 'broken by a cut act\n');
        program('usr/sbin/nginx', TRYING);
        const act = await run(lbPut, 'act', params({ content: 'broken\n' }));
        expect(act.code).toBe(1);
        expect(act.stdout).toContain('unknown directive "broken"');
        expect(findStepFailure(act.stderr)?.message).toBe(
          `nginx refuses the new ${NGINX_STREAM_PATH}; the old one was left as it is`,
        );
        expect(get(NGINX_STREAM_PATH)).toBe('good\n');
        expect(stampOf('nginx.service')).toBe('abc');
        expect(readdirSync(join(root, 'etc/nginx')).sort()).toEqual(['modules-enabled', 'nginx.conf']);
        expect((await run(lbPut, 'act', params())).code).toBe(0);
      });

      it('is linked to where nginx of EL looks, and tried there', async () => {
        put('etc/nginx/nginx.conf', EL_MAIN);
        put('usr/share/nginx/modules/mod-stream.conf', 'load_module stream;\n');
        program('usr/sbin/nginx', TRYING);
        expect(await run(lbPut, 'act', params())).toMatchObject({ code: 0, stderr: '' });
        expect(get('read')).toBe('stream {}\nload_module stream;\n');
        const link = join(root, 'usr/share/nginx/modules/90-siteplan-stream.conf');
        expect(readlinkSync(link)).toBe(NGINX_STREAM_PATH);
        expect(stampOf(NGINX_LINK_STAMP)).toBe('linked');
        expect((await run(lbPut, 'probe', params())).code).toBe(PROBE_SATISFIED);
        rmSync(link);
        expect((await run(lbPut, 'probe', params())).stdout).toContain('has no link');
        expect((await run(lbPut, 'act', params())).code).toBe(0);
        expect((await run(lbPut, 'verify', params())).code).toBe(0);
        put('etc/nginx/nginx.conf', MAIN);
        expect((await run(lbPut, 'act', params())).code).toBe(0);
        expect(stampOf(NGINX_LINK_STAMP)).toBeNull();
      });

      it('says what to write into an nginx.conf that includes nothing outside of http', async () => {
        put('etc/nginx/nginx.conf', '# include /etc/nginx/modules-enabled/*.conf;\nevents {}\n');
        program('usr/sbin/nginx', 'exit 0');
        const act = await run(lbPut, 'act', params());
        expect(findStepFailure(act.stderr)?.message).toContain(
          'put the line "include /etc/nginx/modules-enabled/*.conf;" above its events',
        );
        expect(has(NGINX_STREAM_PATH)).toBe(false);
      });

      it('of keepalived is read by keepalived first', async () => {
        const own = params({
          program: 'keepalived',
          path: KEEPALIVED_PATH,
          content: 'vrrp\n',
          dropsStamps: [],
        });
        put(KEEPALIVED_PATH, 'old\n');
        program(
          'usr/sbin/keepalived',
          'for last in "$@"; do :; done; grep -q vrrp "$last" || { echo "line 1: no"; exit 5; }',
        );
        expect((await run(lbPut, 'act', own)).code).toBe(0);
        expect(get(KEEPALIVED_PATH)).toBe('vrrp\n');
        expect(get('calls')).toMatch(
          /^keepalived --config-test --log-console --use-file \S+\/etc\/keepalived\/\.siteplan-new\./m,
        );
        const bad = await run(lbPut, 'act', { ...own, content: 'other\n' });
        expect(bad).toMatchObject({ code: 1, stdout: 'line 1: no\n' });
        expect(get(KEEPALIVED_PATH)).toBe('vrrp\n');
        rmSync(join(root, 'usr/sbin/keepalived'));
        expect((await run(lbPut, 'act', { ...own, content: 'x' })).stderr).toContain(
          'keepalived is not installed',
        );
      });
    });

    describe('readiness', () => {
      const LISTENS = (port: string, state = '0A') => `   1: 00000000:${port} 00000000:0000 ${state} 0 0\n`;
      const params = { vip: '192.0.2.10', stamp: 'abc' };
      const world = (more: { ports?: string; units?: string; addresses?: string; time?: string } = {}) => {
        const { ports = LISTENS('192B') + LISTENS('2481'), units = 'nginx keepalived' } = more;
        put('proc/net/tcp', `  sl  local_address rem_address   st\n${ports}`);
        program(
          'bin/systemctl',
          `for last in "$@"; do :; done; case " ${units} " in *" \${last%.service} "*) echo active ;; *) echo inactive; exit 3 ;; esac`,
        );
        program('bin/ip', `echo '2: eth0 inet ${more.addresses ?? '192.0.2.10/24'} scope global'`);
        program('usr/bin/curl', `printf '${more.time ?? '0.000000'}'; exit 7`);
        program('bin/journalctl', 'echo "[emerg] bind() to 0.0.0.0:6443 failed"');
      };
      const why = async (more: Parameters<typeof world>[0], own: object = {}) => {
        world(more);
        return (await run(lbReady, 'probe', { ...params, ...own })).stdout.trim();
      };

      it('is listening on both ports, keepalived, and a virtual IP that somebody holds', async () => {
        world();
        expect((await run(lbReady, 'probe', params)).stdout).toContain('not seen working');
        expect(await run(lbReady, 'act', params)).toMatchObject({ code: 0, stderr: '' });
        expect(await run(lbReady, 'probe', params)).toMatchObject({ code: 0, stdout: '' });
        const verify = await run(lbReady, 'verify', params);
        expect(parseStepOutputs(verify.stdout)).toEqual({ vip: '192.0.2.10' });
        expect(stampOf('lb-ready')).toBe('abc');
      });

      it.each([
        ['nginx is off', { units: 'keepalived' }, 'nginx does not run'],
        ['6443 is missing', { ports: LISTENS('2481') }, 'nothing listens on port 6443'],
        ['9345 is missing', { ports: LISTENS('192B') }, 'nothing listens on port 9345'],
        [
          'a connection is no listener',
          { ports: LISTENS('192B', '01') + LISTENS('2481') },
          'nothing listens on port 6443',
        ],
        ['keepalived is off', { units: 'nginx' }, 'keepalived does not run'],
        [
          'nobody holds it',
          { addresses: '192.0.2.101/24' },
          'no load balancer holds the virtual IP 192.0.2.10',
        ],
      ])('is missing where %s', async (_what, more, words) => {
        expect(await why(more)).toBe(words);
      });

      it('is not proven where nothing can ask who holds the virtual IP, and says so', async () => {
        world({ addresses: '192.0.2.9/24' });
        rmSync(join(root, 'usr/bin/curl'));
        const probe = await run(lbReady, 'probe', params);
        expect(probe).toMatchObject({
          code: 10,
          stdout:
            'neither curl nor ping is here to find out who holds the virtual IP 192.0.2.10; install curl\n',
        });
        program('usr/bin/ping', 'exit 1');
        expect((await run(lbReady, 'probe', params)).stdout).toContain(
          'no load balancer holds the virtual IP',
        );
        program('usr/bin/ping', 'exit 0');
        expect((await run(lbReady, 'probe', params)).stdout).toContain('not seen working');
      });

      it('counts a virtual IP that the other one answers for, and asks for none where there is none', async () => {
        expect(await why({ addresses: '192.0.2.9/24', time: '0.000213' })).toContain('not seen working');
        expect(await why({ units: 'nginx', addresses: '192.0.2.9/24' }, { vip: null })).toContain(
          'not seen working',
        );
      });

      it('gives up with the end of the journal of the one that is missing', async () => {
        world({ ports: '' });
        const act = await run(lbReady, 'act', params, { wait_s: '0' });
        expect(findStepFailure(act.stderr)?.message).toMatch(/^nothing listens on port 6443 after \d+ s$/);
        expect(act.stdout).toContain('[emerg] bind() to 0.0.0.0:6443 failed');
        expect(get('calls')).toMatch(/^journalctl -u nginx.service/m);
        expect(stampOf('lb-ready')).toBeNull();
      });
    });

    describe('stopping a unit', () => {
      const params = { unit: 'keepalived.service', dropsStamps: ['keepalived.service', 'lb-ready'] };
      /** A systemd of one unit, whose state is two files. */
      const SYSTEMD = `case "$1" in
is-active) cat "$root/active" ;;
is-enabled) cat "$root/enabled" ;;
show) echo LoadState=loaded ;;
disable) echo disabled > "$root/enabled" ;;
stop) if [ -f "$root/stuck" ]; then exit 1; fi; echo inactive > "$root/active" ;;
esac`;

      it('stops and disables it and drops its stamps, twice the same', async () => {
        put('active', 'active\n');
        put('enabled', 'enabled\n');
        put('var/lib/siteplan-host/stamps/lb-ready', 'x\n');
        put('var/lib/siteplan-host/stamps/other', 'x\n');
        program('bin/systemctl', SYSTEMD);
        expect((await run(serviceStop, 'probe', params)).stdout).toBe('keepalived.service still runs\n');
        for (const _run of [1, 2]) {
          expect(await run(serviceStop, 'act', params)).toMatchObject({ code: 0, stderr: '' });
          expect((await run(serviceStop, 'verify', params)).code).toBe(0);
          expect((await run(serviceStop, 'probe', params)).code).toBe(PROBE_SATISFIED);
        }
        expect([get('active'), get('enabled')]).toEqual(['inactive\n', 'disabled\n']);
        expect([stampOf('lb-ready'), stampOf('other')]).toEqual([null, 'x']);
        put('enabled', 'enabled\n');
        expect((await run(serviceStop, 'probe', params)).stdout).toBe('keepalived.service is enabled\n');
        put('enabled', 'disabled\n');
        put('var/lib/siteplan-host/stamps/lb-ready', 'x\n');
        expect((await run(serviceStop, 'verify', params)).stderr).toContain('the stamp lb-ready is left');
      });

      it('fails where it does not stop, and has nothing to do where it is not installed', async () => {
        put('active', 'active\n');
        put('enabled', 'enabled\n');
        put('stuck', '');
        program('bin/systemctl', SYSTEMD);
        program('bin/journalctl', 'echo "cannot end"');
        const act = await run(serviceStop, 'act', params);
        expect(findStepFailure(act.stderr)?.message).toBe('keepalived.service could not be stopped');
        program('bin/systemctl', 'case "$1" in show) echo LoadState=not-found ;; *) exit 4 ;; esac');
        expect((await run(serviceStop, 'act', params)).stdout).toContain('there is no keepalived.service');
        expect((await run(serviceStop, 'verify', params)).code).toBe(0);
      });
    });
  },
);
