import { headers } from 'next/headers';

/** The nonce of this response's content security policy, for a script of our own. */
export async function nonce(): Promise<string> {
  const policy = (await headers()).get('content-security-policy') ?? '';
  return /'nonce-([A-Za-z0-9+/=_-]+)'/.exec(policy)?.[1] ?? '';
}
