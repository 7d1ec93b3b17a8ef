import { expect, it } from 'vitest';
import { hasSecret, withoutSecrets } from './left-out-secrets';

it.each([
  ['s1 ansible_password=hunter2 x', 's1 ansible_password= …'],
  ['s1 ansible_become_pass = "hunter2"', 's1 ansible_become_pass = …'],
  ['{"ansible_password": "hunter2"}', '{"ansible_password": …'],
  ["{'privateKey':'hunter2'}", "{'privateKey': …"],
  ['rke2_token_old: hunter2', 'rke2_token_old: …'],
  ['vault_secret_2=hunter2', 'vault_secret_2= …'],
])('%j is shown as %j', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
  expect(hasSecret(text)).toBe(true);
});

it.each(['private_key_file=~/.ssh/id', 's1 192.0.2.1 token', 'passenger: no', 'bypass 192.0.2.1'])(
  '%j stays',
  (text) => {
    expect(withoutSecrets(text)).toBe(text);
    expect(hasSecret(text)).toBe(false);
  },
);

it.each(['a', 'secret', 'token ', 'pass', ' '])('a line of a million characters of %j is read', (unit) => {
  const text = unit.repeat(1_000_000 / unit.length);
  expect(withoutSecrets(text)).toBe(text);
  expect(withoutSecrets(`${text}password=hunter2`)).toBe(`${text}password= …`);
});
