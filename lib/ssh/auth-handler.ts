import ssh2 from 'ssh2';
import type { AuthHandlerMiddleware, AuthenticationType, Prompt } from 'ssh2';
import type { HostPublicKey } from './host-key';
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
      return [
        {
          type: 'agent',
          username: user,
          agent: auth.publicKey ? new OneKeyAgent(auth.socket, auth.publicKey) : auth.socket,
        },
      ];
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

/** An agent of which one key is used: each key that a host refuses counts against its limit of tries. */
class OneKeyAgent extends ssh2.OpenSSHAgent {
  readonly #blob: Buffer;

  constructor(socket: string, publicKey: HostPublicKey) {
    super(socket);
    this.#blob = Buffer.from(publicKey.publicKey, 'base64');
  }

  override getIdentities(callback: Parameters<ssh2.OpenSSHAgent['getIdentities']>[0]): void {
    super.getIdentities((error, keys) => {
      // Keys of an agent are parsed keys here; the types allow other forms.
      const own = keys?.filter((key) => (key as ssh2.ParsedKey).getPublicSSH().equals(this.#blob));
      callback(error, own);
    });
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
