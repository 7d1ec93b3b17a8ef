import { describe, expect, it } from 'vitest';
import { EnvError, readEnv } from './env';

const user = { isRoot: false, cwd: '/srv/siteplan' };

describe('readEnv', () => {
  it('has a default for everything', () => {
    expect(readEnv({}, user)).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      databaseUrl: null,
      dataDir: '/srv/siteplan/.siteplan',
      keysDir: '/srv/siteplan/.siteplan/keys',
      admin: null,
      publicUrl: 'http://127.0.0.1:3000',
      tls: null,
      insecureHttp: false,
      trustProxy: false,
      sshAgent: null,
    });
    expect(readEnv({}, { ...user, isRoot: true }).dataDir).toBe('/var/lib/siteplan');
  });

  it('counts empty variables as unset', () => {
    expect(readEnv({ DATABASE_URL: '', PORT: '', SITEPLAN_TLS_CERT: '' }, user)).toEqual(readEnv({}, user));
  });

  it.each([
    [{ PORT: '70000' }, 'PORT'],
    [{ PORT: 'http' }, 'PORT'],
    [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL'],
    [{ SITEPLAN_ADMIN_EMAIL: 'ada@example.net' }, 'SITEPLAN_ADMIN_PASSWORD'],
    [
      { SITEPLAN_ADMIN_EMAIL: 'ada@example.net', SITEPLAN_ADMIN_PASSWORD: 'short' },
      'SITEPLAN_ADMIN_PASSWORD',
    ],
    [{ SITEPLAN_TLS_KEY: '/k' }, 'SITEPLAN_TLS_CERT'],
    [{ SITEPLAN_PUBLIC_URL: 'siteplan.example.net' }, 'SITEPLAN_PUBLIC_URL'],
    [{ SITEPLAN_PUBLIC_URL: 'https://example.net/siteplan' }, 'SITEPLAN_PUBLIC_URL'],
    [{ SITEPLAN_SSH_AGENT: 'agent.sock' }, 'SITEPLAN_SSH_AGENT'],
    [{ SITEPLAN_INSECURE_HTTP: 'yes' }, 'SITEPLAN_INSECURE_HTTP'],
    [{ HOST: '0.0.0.0' }, 'SITEPLAN_PUBLIC_URL'],
    [{ HOST: '192.0.2.1', SITEPLAN_PUBLIC_URL: 'http://192.0.2.1' }, 'SITEPLAN_PUBLIC_URL'],
  ])('stops with one line that names the variable: %j', (source, name) => {
    const read = () => readEnv(source, user);
    expect(read).toThrow(EnvError);
    expect(read).toThrow(new RegExp(`^[^\\n]*${name}[^\\n]*$`));
  });

  it('never repeats a value, because it may be a password', () => {
    const source = { SITEPLAN_ADMIN_EMAIL: 'ada@example.net', SITEPLAN_ADMIN_PASSWORD: 'hunter2' };
    expect(() => readEnv(source, user)).toThrow(/^(?!.*hunter2)/);
  });

  it('serves an open address over https, or over http when told so', () => {
    const https = readEnv({ HOST: '0.0.0.0', SITEPLAN_PUBLIC_URL: 'https://siteplan.example.net' }, user);
    expect(https).toMatchObject({ publicUrl: 'https://siteplan.example.net', insecureHttp: false });
    const http = readEnv({ HOST: '192.0.2.1', SITEPLAN_INSECURE_HTTP: '1' }, user);
    expect(http).toMatchObject({ publicUrl: 'http://192.0.2.1:3000', insecureHttp: true });
    const own = readEnv({ HOST: '192.0.2.1', SITEPLAN_TLS_CERT: 'c.pem', SITEPLAN_TLS_KEY: 'k.pem' }, user);
    expect(own).toMatchObject({
      publicUrl: 'https://192.0.2.1:3000',
      tls: { certPath: '/srv/siteplan/c.pem' },
    });
  });
});
