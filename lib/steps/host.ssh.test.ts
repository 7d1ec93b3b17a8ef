import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findShells, runScript, runStepPart } from '@/lib/testing/run-step';
import { STEP_KINDS } from './catalogue';
import { modulesLoad } from './modules-load';
import { PROBE_NEEDED, PROBE_SATISFIED } from './step-kind';
import { sysctlApply } from './sysctl-apply';
import { sysusersApply } from './sysusers-apply';
import { unitsReload } from './units-reload';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'siteplan-host-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}
const get = (path: string) => readFileSync(join(root, path), 'utf8');

describe.each(findShells().map((shell) => ({ name: shell.join(' '), shell })))(
  'the host with $name',
  ({ shell }) => {
    const path = '/etc/sysctl.d/90-siteplan-rke2.conf';
    const params = { path, stampName: 'sysctl', stamp: 'abc' };
    const sysctl = (part: 'probe' | 'act' | 'verify', more: object = {}) =>
      runStepPart(sysctlApply, part, { shell, root, params: { ...params, ...more } });

    it('applies settings and stamps them, twice the same', async () => {
      put(path, '# ours\nvm.panic_on_oom = 0\n\n; x\nnet.ipv4.tcp_mem=1  2\t3\nkernel.panic=10');
      put('proc/sys/vm/panic_on_oom', '1\n');
      put('proc/sys/net/ipv4/tcp_mem', '9\t9\t9\n');
      put('proc/sys/kernel/panic', '10\n');
      expect((await sysctl('probe')).code).toBe(PROBE_NEEDED);
      const act = await sysctl('act');
      expect(act).toMatchObject({ code: 0, stderr: '' });
      expect(act.stdout).toBe('vm.panic_on_oom = 0\nnet.ipv4.tcp_mem = 1 2 3\n');
      expect([get('proc/sys/vm/panic_on_oom'), get('proc/sys/net/ipv4/tcp_mem')]).toEqual(['0\n', '1 2 3\n']);
      expect(get('var/lib/siteplan-host/stamps/sysctl')).toBe('abc\n');
      expect((await sysctl('verify')).code).toBe(0);
      expect(await sysctl('act')).toMatchObject({ code: 0, stdout: '' });
      expect((await sysctl('probe')).code).toBe(PROBE_SATISFIED);
      expect((await sysctl('probe', { stamp: 'new' })).code).toBe(PROBE_NEEDED);
      put('proc/sys/kernel/panic', '0\n');
      expect((await sysctl('verify')).stderr).toContain('kernel.panic is not 10');
    });

    it('fails for a setting that this kernel lacks, names it and leaves no stamp', async () => {
      put(path, 'net.no_such = 1\n');
      const act = await sysctl('act');
      expect(act.code).toBe(1);
      expect(act.stderr).toContain('siteplan-failure step-exit this kernel has no setting net.no_such');
      expect(existsSync(join(root, 'var/lib/siteplan-host/stamps/sysctl'))).toBe(false);
    });

    it('passes over, in a container, what belongs to the machine around it', async () => {
      put(path, 'kernel.absent = 1\n');
      put('run/systemd/container', 'systemd-nspawn\n');
      const act = await sysctl('act');
      expect(act.code).toBe(0);
      expect(act.stdout).toContain('passed over: kernel.absent');
      expect((await sysctl('verify')).code).toBe(0);
    });

    it.each(['../../etc/x = 1', 'a/../../x = 1', '$(touch marker) = 1', 'a b = 1'])(
      'refuses the line %j',
      async (line) => {
        put(path, `${line}\n`);
        const act = await sysctl('act');
        expect(act.code).toBe(1);
        expect(act.stderr).toContain('is no plain setting');
        expect(existsSync(join(root, 'marker'))).toBe(false);
      },
    );

    it('does not run a value as code', async () => {
      put(path, 'kernel.panic = $(touch marker) `touch marker` *\n');
      put('proc/sys/kernel/panic', '');
      expect((await sysctl('act')).code).toBe(0);
      expect(get('proc/sys/kernel/panic')).toBe('$(touch marker) `touch marker` *\n');
      expect(existsSync(join(root, 'marker'))).toBe(false);
    });

    it('loads modules, says which are there, built in or absent, and stamps', async () => {
      const file = '/etc/modules-load.d/siteplan-rke2.conf';
      const modules = (part: 'probe' | 'act' | 'verify') =>
        runStepPart(modulesLoad, part, {
          shell,
          root,
          params: { path: file, stampName: 'modules', stamp: 'abc' },
        });
      put(file, '# ours\noverlay\nbr_netfilter\nvxlan\ngeneve\n');
      mkdirSync(join(root, 'sys/module/overlay'), { recursive: true });
      const release = (await runScript(shell, 'uname -r', {}, { cwd: root })).stdout.trim();
      put(`lib/modules/${release}/modules.builtin`, 'kernel/drivers/net/vxlan/vxlan.ko\n');
      put('bin/modprobe', '#!/bin/sh\n[ "$2" = br_netfilter ]\n', 0o755);
      expect((await modules('probe')).code).toBe(PROBE_NEEDED);
      const act = await modules('act');
      expect(act).toMatchObject({ code: 0, stderr: '' });
      expect(act.stdout.split('\n').map((line) => line.split(':')[0])).toEqual([
        'overlay is in the kernel',
        'br_netfilter loaded',
        'vxlan is built into the kernel',
        'geneve is neither loaded nor built in',
        '',
      ]);
      expect((await modules('verify')).code).toBe(0);
      expect((await modules('probe')).code).toBe(PROBE_SATISFIED);
    });

    it('refuses a module name that is an option or a path', async () => {
      const file = '/etc/modules-load.d/siteplan-rke2.conf';
      const args = { shell, root, params: { path: file, stampName: 'modules', stamp: 'abc' } };
      for (const line of ['-r', 'a/b', '$(touch marker)', 'a b']) {
        put(file, `${line}\n`);
        expect((await runStepPart(modulesLoad, 'act', args)).stderr).toContain('is no module name');
      }
    });

    const users = '/etc/sysusers.d/siteplan-etcd.conf';
    const sysusers = (part: 'probe' | 'act' | 'verify', more: object = {}) =>
      runStepPart(sysusersApply, part, {
        shell,
        root,
        params: { path: users, stampName: 'sysusers', stamp: 'abc', ...more },
      });
    /** A program that adds to passwd and group what it is asked for, and says how it was called. */
    const putUserProgram = (name: string, wanted = 'etcd') =>
      put(
        `usr/bin/${name}`,
        `#!/bin/sh\nprintf '%s ' "\${0##*/}" "$@" > "${root}/called"\n` +
          `echo ${wanted}:x:998:998 >> "${root}/etc/passwd"\necho ${wanted}:x:998: >> "${root}/etc/group"\n`,
        0o755,
      );

    it.each(['systemd-sysusers', 'useradd'])(
      'makes the user etcd with %s, twice the same',
      async (program) => {
        put(users, '# ours\nu etcd - "etcd user" - /usr/sbin/nologin\n');
        put('etc/passwd', 'root:x:0:0\n');
        putUserProgram(program);
        expect((await sysusers('probe')).code).toBe(PROBE_NEEDED);
        expect(await sysusers('act')).toMatchObject({ code: 0, stderr: '' });
        expect(get('called')).toBe(
          program === 'useradd'
            ? `useradd --root ${root} --system --no-create-home --shell /usr/sbin/nologin --user-group -- etcd `
            : `systemd-sysusers --root=${root} siteplan-etcd.conf `,
        );
        expect((await sysusers('verify')).code).toBe(0);
        expect((await sysusers('probe')).code).toBe(PROBE_SATISFIED);
        expect((await sysusers('act')).code).toBe(0);
        put('etc/passwd', 'root:x:0:0\n');
        expect((await sysusers('probe')).stdout).toContain('there is no user and group etcd');
      },
    );

    it('says when no program makes users, or when a user is not where RKE2 looks', async () => {
      put(users, 'u etcd - "etcd user" -\n');
      put('etc/passwd', '');
      const none = await sysusers('act');
      expect(none.stderr).toContain('neither systemd-sysusers nor useradd is installed');
      putUserProgram('systemd-sysusers', 'other');
      expect((await sysusers('act')).stderr).toContain('wants both in /etc/passwd and /etc/group');
      expect(existsSync(join(root, 'var/lib/siteplan-host/stamps/sysusers'))).toBe(false);
    });

    it.each(['-o', '$(touch marker)', 'A', 'a/b'])('refuses the user name %j', async (name) => {
      put(users, `u ${name} -\n`);
      putUserProgram('useradd');
      expect((await sysusers('act')).stderr).toContain('names no user');
      expect(existsSync(join(root, 'called'))).toBe(false);
    });

    const units = (part: 'probe' | 'act' | 'verify', stamp = 'abc') =>
      runStepPart(unitsReload, part, {
        shell,
        root,
        params: { unit: 'nginx.service', stampName: 'drop-in-nginx.service', stamp },
      });
    /** A systemctl for which files have changed until it is told to read them again. */
    const putSystemctl = (reload: string) =>
      put(
        'bin/systemctl',
        `#!/bin/sh\ncase "$1" in\n  daemon-reload) ${reload} ;;\n  show) cat "${root}/says" ;;\nesac\n`,
        0o755,
      );

    it('has systemd read changed drop-ins, and leaves a stamp', async () => {
      put('says', 'NeedDaemonReload=yes\n');
      putSystemctl(`echo NeedDaemonReload=no > "${root}/says"`);
      expect((await units('probe')).code).toBe(PROBE_NEEDED);
      expect(await units('act')).toMatchObject({ code: 0, stderr: '' });
      expect((await units('verify')).code).toBe(0);
      expect((await units('probe')).code).toBe(PROBE_SATISFIED);
      expect((await units('probe', 'new')).code).toBe(PROBE_NEEDED);
    });

    it('fails where systemd does not read them', async () => {
      put('says', 'NeedDaemonReload=yes\n');
      putSystemctl('exit 1');
      expect((await units('act')).stderr).toContain('systemd could not read its units again');
      putSystemctl(':');
      expect((await units('act')).code).toBe(0);
      expect((await units('verify')).stderr).toContain('has not read the files of nginx.service again yet');
    });
  },
);

describe('every script', () => {
  const scripts = Object.values(STEP_KINDS).flatMap(({ kind, probe, act, verify }) =>
    Object.entries({ probe, act, verify }).map(([part, script]) => ({ name: `${kind} ${part}`, script })),
  );
  it.each(scripts)('$name parses in every shell, and is constant text', async ({ script }) => {
    expect(script).not.toMatch(/undefined|\[object/);
    for (const shell of findShells()) {
      const [program, ...args] = shell;
      const file = join(root, 'script.sh');
      writeFileSync(file, script);
      chmodSync(file, 0o600);
      expect(
        await runScript([program, ...args], `exec ${shell.join(' ')} -n "$sp_file"`, { file }, { cwd: root }),
      ).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('of a kind fits its limits and says why it must not be cut', () => {
    for (const kind of Object.values(STEP_KINDS)) {
      expect(kind.timeoutS).toBeGreaterThan(0);
      expect(kind.uninterruptible ?? 'x').not.toBe('');
    }
    expect(Object.entries(STEP_KINDS).every(([name, { kind }]) => name === kind)).toBe(true);
  });
});
