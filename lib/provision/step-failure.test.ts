import { describe, expect, it } from 'vitest';
import { FailureCode } from '@/lib/core/failure';
import { STEP_CODES } from '@/lib/steps/script-output';
import { findTelltale, toFailure, toStepFailure } from './step-failure';

const part = { part: 'act', host: 's1', title: 'Start rke2-server.service', exitCode: 1 } as const;
const failureOf = (tail: string, exitCode = 1) => toStepFailure({ ...part, exitCode, tail });

/** Lines as programs print them in the C locale, each with its cause. */
const SAID: readonly (readonly [FailureCode, string])[] = [
  ['disk-full', 'cp: error writing /opt/x: No space left on device'],
  ['disk-full', 'tee: /var/lib/x: Disk quota exceeded'],
  ['disk-full', 'sh: 1: printf: printf: I/O error'],
  ['read-only-filesystem', "mkdir: cannot create directory '/etc/x': Read-only file system"],
  [
    'package-lock-held',
    'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 64 (python3)',
  ],
  [
    'package-lock-held',
    'E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?',
  ],
  ['package-lock-held', 'dpkg: error: dpkg frontend lock was locked by another process with pid 64'],
  ['package-lock-held', 'Another app is currently holding the yum lock; waiting for it to exit...'],
  [
    'package-lock-held',
    "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)",
  ],
  ['port-busy', 'listen tcp :9345: bind: address already in use'],
  ['port-busy', 'nginx: [emerg] bind() to 0.0.0.0:6443 failed (98: Address already in use)'],
  [
    'clock-skew',
    'x509: certificate has expired or is not yet valid: current time 2026-11-22T09:00:00Z is before 2026-11-22T10:00:00Z',
  ],
  ['clock-skew', 'curl: (60) SSL certificate problem: certificate is not yet valid'],
  [
    'cluster-ca-mismatch',
    'level=fatal msg="preparing server: failed to validate token: token CA hash does not match the Cluster CA certificate hash: ab != cd"',
  ],
  ['out-of-memory', 'rke2-server.service: A process of this unit has been killed by the OOM killer.'],
  ['out-of-memory', 'fork: Cannot allocate memory'],
  ['wrong-architecture', 'bash: /usr/local/bin/rke2: cannot execute binary file: Exec format error'],
  ['noexec-tmp', 'fork/exec /var/lib/rancher/rke2/data/v1/bin/containerd: permission denied'],
  ['noexec-tmp', 'rke2-server.service: Failed at step EXEC spawning /usr/local/bin/rke2: Permission denied'],
];

describe('the cause of a failed step', () => {
  it.for(SAID)('%s from: %s', ([code, line]) => {
    const failure = failureOf(`before\n${line}\nafter\n`);
    expect(failure).toMatchObject({ code, nextAction: toFailure(code, '').nextAction });
    expect(failure.message).toMatch(/^On s1, "Start rke2-server\.service" failed: /);
    expect(failure.message).toContain(`It says: ${line}`);
  });

  it.for([
    'x509: certificate has expired or is not yet valid: current time 2026-11-22T09:00:00Z is after 2025-01-01T00:00:00Z',
    'dial tcp 10.0.0.1:9345: connect: connection refused',
    'cat: /root/secret: Permission denied',
    'the port 6443 is open',
    'lock acquired',
  ])('is not guessed from: %s', (line) => {
    expect(findTelltale(line, 1)).toBeNull();
    expect(failureOf(line)).toMatchObject({
      code: 'step-exit',
      message: `On s1, "Start rke2-server.service" failed with exit code 1; the last line says: ${line}`,
    });
  });

  it('is what our script named, unless that is vague and the log says more', () => {
    const log = 'listen tcp :6443: bind: address already in use\n';
    expect(failureOf(`${log}siteplan-failure checksum-mismatch the file differs`)).toMatchObject({
      code: 'checksum-mismatch',
      message: 'On s1, "Start rke2-server.service" failed: the file differs.',
    });
    expect(failureOf(`${log}siteplan-failure step-exit it failed 3 times`)).toMatchObject({
      code: 'port-busy',
      message:
        'On s1, "Start rke2-server.service" failed: it failed 3 times; another program holds a port. ' +
        'It says: listen tcp :6443: bind: address already in use',
    });
  });

  it('is never one that only the worker can know, whatever a program prints', () => {
    for (const code of FailureCode.options.filter((option) => !STEP_CODES.includes(option))) {
      expect(failureOf(`siteplan-failure ${code} words`).code).toBe('step-exit');
    }
  });

  it('holds no control characters of the host', () => {
    const { message } = failureOf('\u001b[31mNo space left on device\u0007 \u202e');
    expect(message).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  it('of a program that was killed is memory; of one that may not run, the mount', () => {
    expect(failureOf('Killed', 137).code).toBe('out-of-memory');
    expect(failureOf('sh: 1: /tmp/program: Permission denied', 126).code).toBe('noexec-tmp');
  });
});
