/** Names that inventories give to passwords and keys: `ansible_password`, `ansible_become_pass`, `password`, `privateKey`. */
const SECRET_NAME = /pass(wd|word|phrase)?$|secret|token|private_?key$/i;
/** Such a name, its quote in JSON, and what comes after. Every part is bounded: one line may have a million characters. */
const SECRET = /((?:pass(?:wd|word|phrase)?|secret\w{0,40}|token\w{0,40}|private_?key)["']?\s{0,40}[=:]).*/is;

/** True for the name of a variable whose value is a secret; the path of a key file is none. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** True for text with a secret’s name and a value after it. */
export function hasSecret(text: string): boolean {
  return SECRET.test(text);
}

/** A line of an inventory without what comes after a secret’s name: it is shown in the preview. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET, '$1 …');
}
