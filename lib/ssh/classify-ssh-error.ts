import type { Failure, FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';
import { HostError } from './host-error';
import type { HostEndpoint } from './target';

export interface SshErrorContext extends HostEndpoint {
  readonly user?: string;
  readonly authKind?: 'password' | 'key' | 'agent';
  /** Methods that the host said it offers, once it refused ours. */
  readonly offered?: readonly string[];
  /** Set when the connection was already usable. */
  readonly wasReady?: boolean;
}

/** `ubuntu@192.0.2.12`, with the port where it is not 22. */
export function toEndpointText({ address, port, user }: SshErrorContext): string {
  const host = port === 22 ? address : `${address.includes(':') ? `[${address}]` : address} port ${port}`;
  return user ? `${user}@${host}` : host;
}

type Words = (context: SshErrorContext, where: string) => Failure;

const NETWORK: Readonly<Record<string, readonly [FailureCode, string, string]>> = {
  ECONNREFUSED: [
    'connection-refused',
    'refused the connection',
    'Check that sshd runs there and listens on this port.',
  ],
  ETIMEDOUT: [
    'host-unreachable',
    'did not answer in time',
    'Check the address, the power and the firewalls on the way.',
  ],
  EHOSTUNREACH: [
    'host-unreachable',
    'has no route to it from here',
    'Check the address and the network on the way.',
  ],
  ENETUNREACH: [
    'host-unreachable',
    'is in a network with no route from here',
    'Check the address and the routes.',
  ],
  ENOTFOUND: [
    'name-not-resolved',
    'is a name that does not resolve',
    'Check the spelling, or enter an IP address.',
  ],
  EAI_AGAIN: [
    'name-not-resolved',
    'could not be resolved: the resolver did not answer',
    'Check DNS on the worker.',
  ],
};

const authRejected: Words = ({ name, authKind, offered }, where) => {
  const what = { password: 'password', key: 'key', agent: "agent's keys" }[authKind ?? 'key'];
  const methods = (offered ?? []).map((method) => toSafeLine(method, 40));
  const offers =
    methods.length > 0 ? ` The host offers ${methods.join(', ')}${methods.length === 1 ? ' only' : ''}.` : '';
  return {
    code: 'auth-rejected',
    message: `${name} refused the ${what} for ${where}.${offers}`,
    nextAction: 'Check the user, or pick another credential.',
  };
};

/** The host offers nothing safe of one kind. */
export const toWeakAlgorithms = (name: string, what: string): Failure => ({
  code: 'weak-algorithms',
  message: `${name} offers no ${what} that is still considered safe.`,
  nextAction: 'Update sshd on the host, or allow modern algorithms in its sshd_config.',
});

const MISMATCHES: readonly (readonly [RegExp, string])[] = [
  [/no matching key exchange/i, 'key exchange'],
  [/no matching host key/i, 'host key'],
  [/no matching .*(cipher)/i, 'cipher'],
  [/no matching .*(mac)/i, 'message authentication'],
  [/no matching/i, 'algorithm'],
];

function classifyHandshake(error: Error, context: SshErrorContext): Failure | null {
  const { name } = context;
  const mismatch = MISMATCHES.find(([pattern]) => pattern.test(error.message));
  if (mismatch) return toWeakAlgorithms(name, mismatch[1]);
  if (
    /authentication methods failed|too many authentication failures|client-authentication/i.test(
      `${error.message} ${levelOf(error)}`,
    )
  ) {
    return authRejected(context, toEndpointText(context));
  }
  return null;
}

function levelOf(error: Error): string {
  return 'level' in error && typeof error.level === 'string' ? error.level : '';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * Any error of the SSH transport as one cause in words: what happened, to what, why as far as known, what to do.
 * Text of the host is made safe; an error that nobody has met yet becomes `internal` with a sentence.
 */
export function classifySshError(error: unknown, context: SshErrorContext): Failure {
  if (error instanceof HostError) return error.failure;
  const where = toEndpointText(context);
  const { name } = context;
  if (!(error instanceof Error)) return toUnknown(context);
  const network = NETWORK[codeOf(error)];
  if (network && !context.wasReady) {
    return { code: network[0], message: `${name} (${where}) ${network[1]}.`, nextAction: network[2] };
  }
  const handshake = classifyHandshake(error, context);
  if (handshake) return handshake;
  if (levelOf(error) === 'agent') return toAgentFailure(context);
  if (context.wasReady) return toConnectionLost(context);
  if (/Timed out while waiting for handshake/.test(error.message)) {
    return {
      code: 'host-unreachable',
      message: `${name} (${where}) accepted the connection but did not finish the SSH handshake in time.`,
      nextAction: 'Check that sshd answers on this port and the host is not overloaded.',
    };
  }
  if (/Timed out while signing in/.test(error.message)) {
    return {
      code: 'host-unreachable',
      message: `${name} (${where}) stopped answering while ${context.user ?? 'Siteplan'} signed in.`,
      nextAction:
        'Check the network, and what sign-in asks on the host (PAM, LDAP, name resolution): `journalctl -u ssh` there.',
    };
  }
  if (/lost before handshake|ECONNRESET|EPIPE|socket hang up/i.test(`${error.message} ${codeOf(error)}`)) {
    return {
      code: 'connection-lost',
      message: `${name} (${where}) closed the connection during the SSH handshake.`,
      nextAction:
        'Check the log of sshd on the host: a connection limit, a ban list or a firewall may cut it.',
    };
  }
  if (
    /Parse error|Invalid (identification|packet)|Bad packet|Handshake failed|Protocol/i.test(error.message)
  ) {
    return {
      code: 'connection-lost',
      message: `${name} (${where}) broke off the SSH handshake, or what listens there does not speak SSH 2.`,
      nextAction: 'Check the port, and the log of sshd on the host.',
    };
  }
  return toUnknown(context);
}

function toAgentFailure({ name }: SshErrorContext): Failure {
  return {
    code: 'credential-missing',
    message: `The agent of this worker gave no key for ${name}: it does not answer, or holds no such key.`,
    nextAction: 'Check SITEPLAN_SSH_AGENT and `ssh-add -l` on the worker, or pick another credential.',
  };
}

/** The connection was up and is gone: half-open, reset, or closed by the host. */
export function toConnectionLost(context: SshErrorContext): Failure {
  return {
    code: 'connection-lost',
    message: `The connection to ${context.name} (${toEndpointText(context)}) was lost.`,
    nextAction: 'Nothing to do while Siteplan connects again; otherwise check the network and the host.',
  };
}

function toUnknown(context: SshErrorContext): Failure {
  return {
    code: 'internal',
    message: `The connection to ${context.name} (${toEndpointText(context)}) failed in a way that Siteplan does not know yet.`,
    nextAction: 'Look into the log of the worker for the cause.',
  };
}
