import { z } from 'zod';

/**
 * Every way in which work on a host can fail, as one closed list: SSH failures are classified in `lib/ssh`, those of
 * steps in `lib/provision`. Words and next actions are made there; a person never sees a bare code.
 */
export const FailureCode = z.enum([
  'host-unreachable', // no route, timed out
  'connection-refused',
  'name-not-resolved',
  'address-refused', // our own policy of addresses (S18)
  'host-key-unknown',
  'host-key-changed',
  'weak-algorithms',
  'auth-rejected',
  'password-expired',
  'credential-missing',
  'sudo-password-needed',
  'sudo-needs-tty',
  'sudo-refused',
  'login-shell-unusable',
  'connection-lost',
  'step-timeout',
  'step-exit', // the act or verify script ended non-zero
  'probe-failed',
  'verify-failed',
  'stale-epoch',
  'foreign-installation', // the fence on the host belongs to another installation
  'host-locked',
  'host-rebooted',
  'disk-full',
  'read-only-filesystem',
  'noexec-tmp',
  'checksum-mismatch',
  'download-failed',
  'port-busy',
  'wrong-architecture',
  'package-lock-held',
  'clock-skew',
  'quorum-at-risk', // a restart would leave too few voting etcd members
  'out-of-memory',
  'secret-unavailable',
  'cluster-ca-unknown', // the first server has no token file that names the CA
  'cluster-ca-mismatch', // what answers where a node joins has another CA than its token pins
  'plan-stale',
  'internal',
]);
export type FailureCode = z.infer<typeof FailureCode>;

/** A failure in words: what happened to what, why as far as known, and what to do next. Holds no secret. */
export const Failure = z.object({
  code: FailureCode,
  message: z.string(),
  nextAction: z.string(),
  /** Of `stale-epoch`: the epoch in the host's fence, decimal. */
  hostEpoch: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
});
export type Failure = z.infer<typeof Failure>;
