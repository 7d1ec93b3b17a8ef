import type { Algorithms } from 'ssh2';

/**
 * How a fake host can fail, chosen by its name: a host called `s2-refuses-auth` refuses every login. What is not named
 * here works.
 */
export const FAKE_HOST_FAILURES = {
  'refuses-auth': 'refuses every key and password',
  'hangs-in-auth': 'never answers a login',
  'hangs-mid-step': 'its first connection goes dead while a step runs; later ones work',
  'resets-in-kex': 'resets every connection during the key exchange',
  'black-hole': 'accepts connections and never says a word',
  'changed-key': 'shows another host key than the pinned one',
  'weak-algorithms': 'offers SHA-1 key exchange and CBC ciphers only',
  'sha1-kex': 'offers SHA-1 key exchange only',
  'cbc-only': 'offers CBC ciphers only',
  'sha1-mac': 'offers SHA-1 message authentication only',
  'sha1-host-key': 'signs with its RSA key by SHA-1 only (ssh-rsa)',
  'lax-chacha20': 'offers ChaCha20 only, without the strict key exchange that makes it safe',
  'password-expired': 'wants a new password at sign-in',
  'banner-noise': 'prints a banner, colours and junk before every command',
  'no-login-shell': 'lets the user in, and its shell is nologin',
  'forwards-nothing': 'is no bastion: refuses to forward TCP',
  'answers-late': 'answers a request to forward TCP after three seconds',
  'one-session': 'allows one session on a connection (MaxSessions 1)',
  'sudo-wants-password': 'sudo asks for the password `fake-password`',
  'sudo-refuses': 'the user is not in the sudoers file',
  'sudo-needs-tty': 'sudo insists on a terminal',
} as const;

export type FakeHostFailure = keyof typeof FAKE_HOST_FAILURES;

/** The failures that a name asks for. */
export function findFakeHostFailures(name: string): ReadonlySet<FakeHostFailure> {
  const all = Object.keys(FAKE_HOST_FAILURES) as FakeHostFailure[]; // the keys of a constant record
  return new Set(all.filter((failure) => name.includes(failure)));
}

/** A `sudo` that behaves as the failure says and otherwise runs the command. */
export function toFakeSudo(failures: ReadonlySet<FakeHostFailure>): string {
  const refusal = failures.has('sudo-refuses')
    ? 'echo "siteplan is not in the sudoers file.  This incident will be reported." >&2; exit 1'
    : failures.has('sudo-needs-tty')
      ? 'echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1'
      : ':';
  const password = failures.has('sudo-wants-password')
    ? `[ -z "$no_prompt" ] || { echo "sudo: a password is required" >&2; exit 1; }
for try in 1 2 3; do
  printf %s "$prompt" >&2
  echo try >> "$HOME/sudo-tries"
  read -r answer || { echo "sudo: no password was provided" >&2; exit 1; }
  [ "$answer" != fake-password ] || break
  echo "Sorry, try again." >&2
  [ "$try" != 3 ] || { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
done`
    : ':';
  return `#!/bin/sh
no_prompt= prompt=
while :; do
  case $1 in
    -n) no_prompt=1; shift ;;
    -S) shift ;;
    -p) prompt=$2; shift 2 ;;
    --) shift; break ;;
    *) break ;;
  esac
done
${refusal}
${password}
exec "$@"
`;
}

/** What a server of these failures offers. */
export function toFakeAlgorithms(failures: ReadonlySet<FakeHostFailure>): Algorithms {
  const cases: readonly (readonly [FakeHostFailure, Algorithms])[] = [
    [
      'weak-algorithms',
      { kex: ['diffie-hellman-group14-sha1'], cipher: ['aes128-cbc'], hmac: ['hmac-sha1'] },
    ],
    ['sha1-kex', { kex: ['diffie-hellman-group14-sha1'] }],
    ['cbc-only', { cipher: ['aes128-cbc', 'aes256-cbc'] }],
    ['sha1-mac', { cipher: ['aes128-ctr'], hmac: ['hmac-sha1', 'hmac-sha1-etm@openssh.com'] }],
    ['sha1-host-key', { serverHostKey: ['ssh-rsa'] }],
    ['lax-chacha20', { cipher: ['chacha20-poly1305@openssh.com'] }],
  ];
  return cases.find(([failure]) => failures.has(failure))?.[1] ?? {};
}
