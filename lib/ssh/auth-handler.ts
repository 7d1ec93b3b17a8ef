import type { AuthHandlerMiddleware, AuthenticationType, Prompt } from 'ssh2';
import type { HostLogin } from './target';

export interface AuthRecord {
  /** Methods that the host offers, as it said when it refused one. */
  offered: readonly string[];
  /** The host asked for a new password. */
  isPasswordExpired: boolean;
}

type Method = Parameters<Parameters<AuthHandlerMiddleware>[2]>[0];

function toMethods(login: HostLogin, record: AuthRecord): Method[] {
  const { user, auth } = login;
  switch (auth.kind) {
    case 'key':
      return [
        {
          type: 'publickey',
          username: user,
          key: auth.privateKey,
          ...(auth.passphrase === undefined ? {} : { passphrase: auth.passphrase }),
        },
      ];
    case 'agent':
      return [{ type: 'agent', username: user, agent: auth.socket }];
    case 'password': {
      let answered = false;
      const prompt = (
        _name: string,
        _text: string,
        _lang: string,
        prompts: Prompt[],
        finish: (a: string[]) => void,
      ) => {
        // One hidden question is the password; a second round asks for a new one.
        if (answered && prompts.length > 0) record.isPasswordExpired = true;
        finish(answered ? prompts.map(() => '') : prompts.map(({ echo }) => (echo ? '' : auth.password)));
        answered = true;
      };
      return [
        { type: 'password', username: user, password: auth.password },
        { type: 'keyboard-interactive', username: user, prompt },
      ];
    }
  }
}

/** Offers exactly the credential's methods, in order, and remembers what the host said it would take. */
export function toAuthHandler(login: HostLogin, record: AuthRecord): AuthHandlerMiddleware {
  const methods = toMethods(login, record);
  return (offered: AuthenticationType[] | null, _partial, next) => {
    if (offered) record.offered = offered;
    let method = methods.shift();
    // A method that the host does not offer is not tried: each try counts against its limit.
    while (method && offered && typeof method === 'object' && !offered.includes(toWireName(method.type))) {
      method = methods.shift();
    }
    // `false` ends the attempts; the types of ssh2 leave it out.
    next(method ?? (false as unknown as Method));
  };
}

function toWireName(type: AuthenticationType): AuthenticationType {
  return type === 'agent' ? 'publickey' : type;
}
