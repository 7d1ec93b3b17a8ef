import type { Failure, FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';
import { findStepFailure } from '@/lib/steps/script-output';

/** What to do about each cause, where the place that found it knows nothing better. */
const NEXT_ACTIONS: Readonly<Record<FailureCode, string>> = {
  'host-unreachable': 'Check the address, the power and the firewalls on the way, then resume.',
  'connection-refused': 'Check that sshd runs there and listens on this port.',
  'name-not-resolved': 'Check the spelling, or enter an IP address.',
  'address-refused': 'Correct the address, or ask an administrator to allow this network.',
  'host-key-unknown': 'Scan the key, compare the fingerprint, and approve it.',
  'host-key-changed': 'Find out why the key changed, then approve the new one.',
  'weak-algorithms': 'Update sshd on the host.',
  'auth-rejected': 'Check the user, or pick another credential.',
  'password-expired': 'Set a new password on the host and enter it as credential.',
  'credential-missing': 'Enter the credential again.',
  'sudo-password-needed': 'Add the sudo password to the credential, or allow NOPASSWD.',
  'sudo-needs-tty': 'Remove requiretty for this user in the sudoers file.',
  'sudo-refused': 'Correct the password or the sudoers file.',
  'login-shell-unusable': 'Give the user a login shell.',
  'connection-lost': 'Check the network and the host, then resume.',
  'step-timeout': 'Look into the log of the step for what it waited for, then retry.',
  'step-exit': 'Look into the log of the step, correct the cause on the host, then retry.',
  'probe-failed': 'Look into the message, correct the cause on the host, then retry.',
  'verify-failed': 'Look at the host: the step ended well, but its effect is not there. Then retry.',
  'stale-epoch': 'Nothing to do: the newer worker goes on.',
  'foreign-installation': 'Manage the host from the other installation, or release it there first.',
  'host-locked': 'Wait until what runs there has ended, then retry.',
  'host-rebooted': 'See that the host stays up, then retry.',
  'disk-full': 'Free space on the host, then retry.',
  'read-only-filesystem': 'Look for disk errors and mount the file system writable, then retry.',
  'noexec-tmp': 'Mount the directory without noexec, or set TMPDIR to another one, then retry.',
  'checksum-mismatch': 'Check where the file comes from; the mirror may be incomplete. Then retry.',
  'download-failed': 'Check the URL, the proxy and the route of the host to it, then retry.',
  'port-busy': 'Stop the program that holds the port, then retry.',
  'wrong-architecture': 'Correct the architecture of the node in the topology.',
  'package-lock-held': 'Wait until the package manager on the host is done, then retry.',
  'clock-skew': 'Let the host synchronise its clock (chrony or timesyncd), then retry.',
  'out-of-memory': 'Give the host more memory, then retry.',
  'secret-unavailable': 'Enter the secret again, then plan again.',
  'plan-stale': 'Plan again.',
  internal: 'Look into the log of the worker for the cause.',
};

/** What programs say in their own words, where no script of ours named the cause. */
const TELLTALES: readonly (readonly [RegExp, FailureCode, string])[] = [
  [/no space left on device|disk quota exceeded/i, 'disk-full', 'the host has no room left'],
  [/read-only file system/i, 'read-only-filesystem', 'a file system is read-only'],
  [
    /could not get lock|dpkg.*lock|waiting for.*(yum|dnf) lock|another app is currently holding/i,
    'package-lock-held',
    'another program holds the package manager',
  ],
  [/address already in use/i, 'port-busy', 'a port is in use by another program'],
  [/out of memory|cannot allocate memory/i, 'out-of-memory', 'the host ran out of memory'],
  [/exec format error/i, 'wrong-architecture', 'the program is for another architecture'],
];

export interface FailedPart {
  readonly part: 'probe' | 'act' | 'verify';
  readonly host: string;
  /** Title of the step. */
  readonly title: string;
  readonly exitCode: number;
  /** Redacted end of what it printed. */
  readonly tail: string;
}

const PARTS = {
  probe: { code: 'probe-failed', words: 'could not be checked' },
  act: { code: 'step-exit', words: 'failed' },
  verify: { code: 'verify-failed', words: 'ended, but its effect is not there' },
} as const satisfies Record<string, { code: FailureCode; words: string }>;

/** One typed cause from how a script ended and what it printed. */
export function toStepFailure({ part, host, title, exitCode, tail }: FailedPart): Failure {
  const { code, words } = PARTS[part];
  const what = `On ${host}, "${title}" ${words}`;
  const named = findStepFailure(tail);
  if (named) {
    return { code: named.code, message: `${what}: ${named.message}`, nextAction: NEXT_ACTIONS[named.code] };
  }
  const telltale = TELLTALES.find(([pattern]) => pattern.test(tail));
  if (telltale) {
    return { code: telltale[1], message: `${what}: ${telltale[2]}.`, nextAction: NEXT_ACTIONS[telltale[1]] };
  }
  if (part === 'act' && exitCode === 137) {
    const message = `${what}: it was killed from outside, most likely for lack of memory.`;
    return { code: 'out-of-memory', message, nextAction: NEXT_ACTIONS['out-of-memory'] };
  }
  const line = tail.trimEnd().split('\n').at(-1)?.trim() ?? '';
  const said = line === '' ? '.' : `; the last line says: ${toSafeLine(line, 300)}`;
  return { code, message: `${what} with exit code ${exitCode}${said}`, nextAction: NEXT_ACTIONS[code] };
}

/** A failure whose words the caller has; the next action is the usual one. */
export function toFailure(code: FailureCode, message: string): Failure {
  return { code, message, nextAction: NEXT_ACTIONS[code] };
}
