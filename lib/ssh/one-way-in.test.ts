import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * S12: SSH clients are made in two files, the connection and the key scan, and both hand over everything that makes a
 * connection safe. The lint rule and `lib/architecture.test.ts` keep the library out of every other folder.
 */

const sources = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !name.includes('.test.'))
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }));
const textOf = (name: string) => sources.find((source) => source.name === name)?.text ?? '';
const namesWith = (pattern: RegExp) =>
  sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

describe('no connection without a verifier (S12)', () => {
  it('because clients are made in two files only', () => {
    expect(namesWith(/\bnew\s+(ssh2\.)?Client\b/)).toEqual(['scan-host-key.ts', 'start-client.ts']);
    expect(namesWith(/\bclient\.connect\(/)).toEqual(['scan-host-key.ts', 'start-client.ts']);
  });

  it.each(['scan-host-key.ts', 'start-client.ts'])(
    'because %s states all of it for its one connect',
    (name) => {
      expect(textOf(name).match(/\bclient\.connect\(/g)).toHaveLength(1);
      for (const member of ['hostVerifier:', 'algorithms: toAlgorithms(', 'readyTimeout:'])
        expect(textOf(name).split(member)).toHaveLength(2);
      // A hash or a host in the configuration would be a second way to connect or to verify.
      expect(textOf(name)).not.toMatch(/\bhostHash\b|\bhost: |\btryKeyboard\b/);
    },
  );

  it('because the verifier compares with the approved keys, and the scan lets nobody in', () => {
    expect(textOf('start-client.ts')).toContain('return pinned.has(state.shownKey);');
    expect(textOf('scan-host-key.ts')).toMatch(/hostVerifier: \(key: Buffer\) => \{\n[^}]*return false;\n/);
  });

  it('and every socket has no delay, and every connection pings', () => {
    expect(namesWith(/from 'node:net'/)).toEqual(['address-policy.ts', 'open-socket.ts']);
    expect(namesWith(/\bconnect\(\{[^}]*\bport\b/)).toEqual(['open-socket.ts']);
    expect(textOf('open-socket.ts')).toMatch(/connect\(\{[^}]*noDelay: true/);
    expect(textOf('start-client.ts')).toContain(
      'keepaliveInterval: (options.keepalive ?? KEEPALIVE).intervalMs',
    );
    expect(textOf('start-client.ts')).toContain('watchLiveness(socket, intervalMs * count');
  });
});
