import type { FailureCode } from '@/lib/core/failure';
import type { FaultRow } from './fault-row';

const CONNECT = { layer: 'connect', boundS: 30 } as const;
const IN_STEP = { layer: 'step', boundS: 40 } as const;
const ENGINE = { layer: 'engine', boundS: 20 } as const;

/** Provoked on fake hosts and in the engine itself (lib/provision/fault-matrix.db.test.ts). The host's name is in the row. */
export const FAKE_FAULTS = [
  {
    ...CONNECT,
    id: 'wrong-host-key',
    provoked: 'the host shows another key than the approved one',
    code: 'host-key-changed',
    state: 'needs-attention',
    message:
      /^s1-changed-key showed the host key SHA256:\S+; approved is SHA256:\S+\. Nothing was sent to it\.$/,
    nextAction: /find out why/i,
  },
  {
    ...CONNECT,
    id: 'no-approved-key',
    provoked: 'nobody has approved a host key',
    code: 'host-key-unknown',
    state: 'needs-attention',
    message: /^s1 has no approved host key yet\.$/,
    nextAction: /scan its key/i,
  },
  {
    ...CONNECT,
    id: 'forbidden-address',
    provoked: 'the address of the cloud metadata service',
    code: 'address-refused',
    state: 'failed',
    message: /^s1 is at 169\.254\.169\.254, which is .*; Siteplan does not connect there\.$/,
    nextAction: /correct the address/i,
  },
  {
    ...CONNECT,
    id: 'weak-algorithms',
    provoked: 'the host offers SHA-1 key exchange and CBC ciphers only',
    code: 'weak-algorithms',
    state: 'failed',
    message: /^s1-weak-algorithms offers no key exchange that is still considered safe\.$/,
    nextAction: /update sshd/i,
  },
  {
    ...CONNECT,
    id: 'unreadable-key',
    provoked: 'the private key of the credential is no key',
    code: 'credential-missing',
    state: 'needs-attention',
    message: /^The private key for s1 cannot be opened/,
    nextAction: /enter the credential again/i,
  },
  {
    ...CONNECT,
    id: 'silent-sshd',
    provoked: 'the port answers and sshd never says a word',
    code: 'host-unreachable',
    state: 'unreachable',
    message:
      /^s1-black-hole \(\S+ port \d+\) accepted the connection but did not finish the SSH handshake in time\.$/,
    nextAction: /sshd answers/,
  },
  {
    ...CONNECT,
    id: 'reset-in-handshake',
    provoked: 'the connection is reset during the key exchange',
    code: 'connection-lost',
    state: 'unreachable',
    message: /^s1-resets-in-kex \(\S+ port \d+\) closed the connection during the SSH handshake\.$/,
    nextAction: /log of sshd/,
  },
  {
    ...CONNECT,
    id: 'new-password-wanted',
    provoked: 'the host wants a new password before it lets anyone in',
    code: 'password-expired',
    state: 'failed',
    message: /^s1-password-expired wants a new password for \S+ before it lets anyone in\.$/,
    nextAction: /set a new password/i,
  },
  {
    ...CONNECT,
    id: 'lost-while-starting',
    provoked: 'the connection is reset while the first program starts',
    layer: 'start',
    code: 'connection-lost',
    state: 'unreachable',
    message: /^The connection to s1 \(\S+ port \d+\) was lost\.$/,
    nextAction: /check the network/i,
  },
  {
    ...CONNECT,
    id: 'sudo-hangs',
    provoked: 'sudo waits for something that never comes',
    layer: 'start',
    code: 'login-shell-unusable',
    state: 'failed',
    message: /^s1 lets \S+@\S+ port \d+ sign in but starts nothing within 15 s\.$/,
    nextAction: /what the login or sudo waits for/,
    boundS: 40,
  },
  {
    ...IN_STEP,
    id: 'lost-for-good',
    provoked: 'the host goes away in the middle of an act and stays away',
    code: 'connection-lost',
    state: 'unreachable',
    message: /^s1 \(\S+ port \d+\) closed the connection during the SSH handshake\.$/,
    nextAction: /log of sshd/,
  },
  {
    ...IN_STEP,
    id: 'interrupted-thrice',
    provoked: 'the act ends its own runner each time, as a host does that goes down',
    code: 'host-rebooted',
    state: 'needs-attention',
    message: /^On s1, "test\.fault" was interrupted 3 times without a word of how it ended\.$/,
    nextAction: /stays up/,
  },
  {
    ...IN_STEP,
    id: 'act-over-time',
    provoked: 'an act that sleeps beyond its limit of 2 s',
    code: 'step-timeout',
    state: 'failed',
    message: /^On s1, "test\.fault-short" did not end within 2 s and was ended\.$/,
    nextAction: /what it waited for/,
  },
  {
    ...IN_STEP,
    id: 'act-exits',
    provoked: 'an act that says something and exits with 3',
    code: 'step-exit',
    state: 'failed',
    message: /^On s1, "test\.fault" failed with exit code 3; the last line says: the bridge is out$/,
    nextAction: /log of the step/,
  },
  {
    ...IN_STEP,
    id: 'probe-fails',
    provoked: 'a probe that exits with neither 0 nor 10',
    code: 'probe-failed',
    state: 'failed',
    message: /^On s1, "test\.fault" could not be checked with exit code 2; the last line says: no such tool$/,
    nextAction: /correct the cause/,
  },
  {
    ...IN_STEP,
    id: 'verify-sees-nothing',
    provoked: 'an act that ends well and has no effect',
    code: 'verify-failed',
    state: 'failed',
    message: /^On s1, "test\.fault" ended, but its effect is not there: \/etc\/motd has other content\.$/,
    nextAction: /look at the host/i,
  },
  {
    ...IN_STEP,
    id: 'forged-cause',
    provoked: 'a program prints the line that names a cause, with one that only the worker can know',
    code: 'step-exit',
    state: 'failed',
    message: /^On s1, "test\.fault" failed with exit code 1/,
    nextAction: /log of the step/,
  },
  {
    ...ENGINE,
    id: 'secret-gone',
    provoked: 'the value of a secret slot is not there',
    code: 'secret-unavailable',
    state: 'failed',
    message: /^A secret that "Write \/etc\/\S+" writes is not there any more\.$/,
    nextAction: /enter the secret again/i,
  },
  {
    ...ENGINE,
    id: 'no-cluster-ca',
    provoked: 'a joining node is to be told the CA of the cluster, and the first server has no token file',
    code: 'cluster-ca-unknown',
    state: 'failed',
    message:
      /^"Write \/etc\/\S+" needs to know the CA of the cluster, so that the token goes to nobody else\. s1, the first server, does not say yet/,
    nextAction: /bring RKE2 up on the first server/i,
  },
  {
    ...ENGINE,
    id: 'first-server-away',
    provoked: 'a joining node is to be told the CA of the cluster, and the first server refuses connections',
    code: 'connection-refused',
    state: 'unreachable',
    message: /needs to know the CA of the cluster.* s1 \(\S+ port \d+\) refused the connection\.$/,
    nextAction: /check that sshd runs/i,
  },
  {
    ...IN_STEP,
    id: 'another-cluster-ca',
    provoked: 'what answers where a node joins shows another CA than its token pins',
    code: 'cluster-ca-mismatch',
    state: 'failed',
    message:
      /^On s1, "test\.fault" failed: what answered where it joins shows another CA .* did not get the token\. It says: .*token CA hash does not match/,
    nextAction: /find out what answers .* plan again/i,
  },
  {
    ...ENGINE,
    id: 'unknown-step',
    provoked: 'a plan of another release holds a kind of step that this one does not know',
    code: 'plan-stale',
    state: 'failed',
    message: /does not know the step "test\.unknown"/,
    nextAction: /plan again/i,
  },
  {
    ...ENGINE,
    id: 'our-own-error',
    provoked: 'an exception that nobody foresaw',
    code: 'internal',
    state: 'failed',
    message: /^Siteplan itself failed while it worked on "test\.fault"\.$/,
    nextAction: /log of the worker/,
  },
] as const satisfies readonly FaultRow[];

export type FakeFaultId = (typeof FAKE_FAULTS)[number]['id'];

const WORKER = { layer: 'worker', boundS: 20 } as const;

/** Provoked on the worker's way from a claimed run to its first step (lib/worker/run-plan-of.db.test.ts). */
export const WORKER_FAULTS = [
  {
    ...WORKER,
    id: 'refused-before-start',
    provoked: 'the host refuses connections when its facts are read again',
    code: 'connection-refused',
    state: 'unreachable',
    message: /^s1 \(\S+ port \d+\) refused the connection\.$/,
    nextAction: /check that sshd runs/i,
  },
  {
    ...WORKER,
    id: 'tampered-plan',
    provoked: 'the stored plan is not what its revision and facts give',
    code: 'plan-stale',
    state: 'failed',
    message: /^The stored plan is not what this release plans/,
    nextAction: /make a new plan/i,
  },
  {
    ...WORKER,
    id: 'another-seal-key',
    provoked: 'the worker has the seal key of another installation',
    code: 'secret-unavailable',
    state: 'failed',
    message: /^The secret \S+ v1 cannot be opened by this worker\.$/,
    nextAction: /seal\.key/,
  },
] as const satisfies readonly FaultRow[];

export type WorkerFaultId = (typeof WORKER_FAULTS)[number]['id'];

/** Codes that no row provokes, each with the reason. The test beside this fails for a code that is in neither place. */
export const NOT_PROVOKED: Partial<Record<FailureCode, string>> = {
  'quorum-at-risk': 'takes more servers than one host: lib/steps/keep-quorum.ssh.test.ts has three etcds',
};
