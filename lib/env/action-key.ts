/**
 * Next encrypts what server actions close over with a key of this name (Next.js docs, guides/self-hosting); set from our key file, so that
 * it is the same in every web process and after every build.
 */
export function setActionKey(key: Buffer): void {
  process.env['NEXT_SERVER_ACTIONS_ENCRYPTION_KEY'] = key.toString('base64');
}
