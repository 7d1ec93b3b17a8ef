/** Names that inventories give to passwords and keys: `ansible_password`, `ansible_become_pass`, `password`, `privateKey`. */
const SECRET_NAME = /pass(wd|word|phrase)?$|secret|token|private_?key$/i;

/** True for the name of a variable whose value is a secret; the path of a key file is none. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A line of an inventory without what comes after a secret’s name: it is shown in the preview. */
export function withoutSecrets(text: string): string {
  return text.replace(/(\w*(?:pass(?:wd|word|phrase)?|secret\w*|token\w*|private_?key)\s*[=:]).*/is, '$1 …');
}
