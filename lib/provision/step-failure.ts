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
  'noexec-tmp': 'Mount the file system of the program without noexec, then retry.',
  'checksum-mismatch': 'Check where the file comes from; the mirror may be incomplete. Then retry.',
  'download-failed':
    'Check the URL, the name servers and proxy of the host, and its route to the URL, then retry.',
  'port-busy': 'Find the program that holds the port with ss -ltnp on the host, stop it, then retry.',
  'wrong-architecture': 'Correct the architecture of the node in the topology.',
  'package-lock-held': 'Wait until the package manager on the host is done, then retry.',
  'clock-skew': 'Let the host synchronise its clock (chrony or timesyncd), then retry.',
  'quorum-at-risk': 'Bring the servers back that do not answer, then retry.',
  'out-of-memory': 'Give the host more memory, then retry.',
  'secret-unavailable': 'Enter the secret again, then plan again.',
  'cluster-ca-unknown': 'Bring RKE2 up on the first server, then retry.',
  'cluster-ca-mismatch':
    'Find out what answers at the address that "server" names in /etc/rancher/rke2/config.yaml of the host. If the CA of the cluster was changed on purpose, plan again.',
  'plan-stale': 'Plan again.',
  internal: 'Look into the log of the worker for the cause.',
};

interface Telltale {
  readonly pattern: RegExp;
  readonly code: FailureCode;
  readonly words: string;
  /** Only counts when the script ended with this code. */
  readonly exitCode?: number;
}

/**
 * What programs say in their own words, where no script of ours named the cause. Steps run in the C locale, so the
 * texts are those of the C library, dpkg, dnf, systemd, OpenSSL and Go (x509, net, os/exec).
 */
const TELLTALES: readonly Telltale[] = [
  {
    pattern: /no space left on device|disk quota exceeded/i,
    code: 'disk-full',
    words: 'a file system has no room left',
  },
  { pattern: /read-only file system/i, code: 'read-only-filesystem', words: 'a file system is read-only' },
  // The builtins of dash say no more than this when a write fails.
  {
    pattern: /(printf|echo): I\/O error/,
    code: 'disk-full',
    words: 'a file could not be written, most likely for lack of room',
  },
  {
    pattern:
      /could not get lock|(acquire|locked|lock).{0,40}dpkg|dpkg.{0,40}lock|waiting for.*(yum|dnf) lock|another app is currently holding|can't create transaction lock/i,
    code: 'package-lock-held',
    words: 'another program holds the package manager',
  },
  { pattern: /address already in use/i, code: 'port-busy', words: 'another program holds a port' },
  {
    // k3s pkg/clientaccess/token.go: compared before anything of the token is sent.
    pattern: /token CA hash does not match the Cluster CA certificate hash/,
    code: 'cluster-ca-mismatch',
    words:
      'what answered where it joins shows another CA than that of the first server, so it did not get the token',
  },
  {
    pattern: /certificate is not yet valid|not yet valid: current time \S+ is before/i,
    code: 'clock-skew',
    words: 'by the clock of the host a certificate is not valid yet',
  },
  {
    pattern: /out of memory|cannot allocate memory|memory exhausted|OOM killer|oom-kill/i,
    code: 'out-of-memory',
    words: 'the host ran out of memory',
  },
  {
    pattern: /exec format error|cannot execute binary file/i,
    code: 'wrong-architecture',
    words: 'a program is built for another processor family',
  },
  {
    pattern: /fork\/exec \S+: permission denied|failed at step EXEC spawning .*permission denied/i,
    code: 'noexec-tmp',
    words: 'a program may not run from where it is',
  },
  {
    // POSIX: 126 is a command that was found and could not be executed.
    pattern: /permission denied/i,
    code: 'noexec-tmp',
    words: 'a program may not run from where it is',
    exitCode: 126,
  },
];

/** A cause that the text gives away, the words for it, and the line that says so; null where there is none. */
export function findTelltale(
  text: string,
  exitCode?: number,
): { code: FailureCode; words: string; line: string } | null {
  const found = TELLTALES.find(
    (telltale) =>
      telltale.pattern.test(text) && (telltale.exitCode === undefined || telltale.exitCode === exitCode),
  );
  if (!found) return null;
  const line = text.split('\n').findLast((candidate) => found.pattern.test(candidate)) ?? '';
  return { code: found.code, words: found.words, line: toSafeLine(line.trim(), 300) };
}

/** What a script names when it knows no better; a telltale in what was printed says more. */
const VAGUE: readonly FailureCode[] = ['step-exit', 'probe-failed', 'verify-failed'];

function toSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

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

/** One typed cause from how a script ended and what it printed: the host, the step, and what its log gives away. */
export function toStepFailure({ part, host, title, exitCode, tail }: FailedPart): Failure {
  const { code, words } = PARTS[part];
  const what = `On ${host}, "${title}" ${words}`;
  const named = findStepFailure(tail);
  if (named && !VAGUE.includes(named.code)) {
    return toFailure(named.code, toSentence(`${what}: ${named.message}`));
  }
  const printed = tail.split('\n').filter((text) => !text.startsWith('siteplan-failure '));
  const telltale = findTelltale(printed.join('\n'), exitCode);
  if (telltale) {
    const why = named ? `${what}: ${named.message}; ${telltale.words}` : `${what}: ${telltale.words}`;
    return toFailure(telltale.code, `${why}. It says: ${telltale.line}`);
  }
  if (named) return toFailure(named.code, toSentence(`${what}: ${named.message}`));
  if (part === 'act' && exitCode === 137) {
    const message = `${what}: it was killed from outside, most likely for lack of memory.`;
    return toFailure('out-of-memory', message);
  }
  const line = tail.trimEnd().split('\n').at(-1)?.trim() ?? '';
  const said = line === '' ? '.' : `; the last line says: ${toSafeLine(line, 300)}`;
  return toFailure(code, `${what} with exit code ${exitCode}${said}`);
}

/** A failure whose words the caller has; the next action is the usual one. */
export function toFailure(code: FailureCode, message: string): Failure {
  return { code, message, nextAction: NEXT_ACTIONS[code] };
}
