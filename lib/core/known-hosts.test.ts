import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesKnownHost, parseKnownHosts, toKnownHostName } from './known-hosts';

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const line = (hosts: string) => `${hosts} ssh-ed25519 ${KEY} a comment`;
const matches = (hosts: string, address: string, port = 22) =>
  parseKnownHosts(line(hosts)).entries.some((entry) => matchesKnownHost(entry, address, port));

describe('known_hosts', () => {
  it('is read line by line, comments and empty lines left out', () => {
    const text = `# comment\r\n\n  ${line('a.example')}\n@revoked ${line('b.example')}\r`;
    expect(parseKnownHosts(text)).toEqual({
      entries: [
        { line: 3, kind: 'key', hosts: 'a.example', algorithm: 'ssh-ed25519', publicKey: KEY },
        { line: 4, kind: 'revoked', hosts: 'b.example', algorithm: 'ssh-ed25519', publicKey: KEY },
      ],
      refused: [],
    });
  });

  it.each([
    [`@cert-authority ${line('*.example')}`, /certificates are not supported/],
    [`@other ${line('a')}`, /marker @other/],
    ['a.example ssh-dss AAAAB3NzaC1kc3MAAACB', /ssh-dss are not accepted/],
    [`a.example ssh-rsa ${KEY}`, /not of the type/],
    [`a.example ssh-ed25519 ${KEY.slice(0, 21)}`, /cut short/],
    ['a.example ssh-ed25519', /cut short/],
    ['|1|short|short ssh-ed25519 x', /host field/],
    ['|2|abc|def ssh-ed25519 x', /host field/],
    ['hello world', /not a known_hosts line/],
    [`a.example 2048 65537 1234`, /not a known_hosts line/],
    [`a,,b ssh-ed25519 ${KEY}`, /host field/],
  ])('refuses %j in words', (text, reason) => {
    const { entries, refused } = parseKnownHosts(text);
    expect(entries).toEqual([]);
    expect(refused).toEqual([{ line: 1, reason: expect.stringMatching(reason) as string }]);
  });

  it.each([
    ['a.example', 'a.example', 22, true],
    ['A.Example', 'a.EXAMPLE', 22, true],
    ['a.example', 'a.example', 2222, false],
    ['[a.example]:2222', 'a.example', 2222, true],
    ['[a.example]:2222', 'a.example', 22, false],
    ['192.0.2.1,a.example', '192.0.2.1', 22, true],
    ['2001:db8::1', '2001:db8::1', 22, true],
    ['[2001:db8::1]:2022', '2001:db8::1', 2022, true],
    ['*.example', 'a.b.example', 22, true],
    ['*.example', 'example', 22, false],
    ['192.0.2.?', '192.0.2.7', 22, true],
    ['192.0.2.?', '192.0.2.77', 22, false],
    ['*.example,!bad.example', 'good.example', 22, true],
    ['*.example,!bad.example', 'bad.example', 22, false],
    ['!bad.example,*.example', 'bad.example', 22, false],
    ['!other.example', 'a.example', 22, false],
    ['[*]:2222', 'a.example', 2222, true],
    ['*', 'anything', 2222, true],
  ])('matches %s with %s port %i: %s', (hosts, address, port, expected) => {
    expect(matches(hosts, address, port)).toBe(expected);
  });

  // Made by ssh-keygen -H (OpenSSH 9.2) for `gate.example` and `[192.0.2.7]:2222`.
  it.each([
    ['|1|tnhzqPpmuXma3DDYYT5CRBtNr+Q=|GyIMFT/wr75Ai8Zg1qv3fGIQWMc=', 'Gate.example', 22],
    ['|1|nRrpL5m5DP/r7SzJlJwcmKj58qs=|FvtyjszTuj2i9qQ+zsMyezwSXL4=', '192.0.2.7', 2222],
  ])('knows the hashed name %s', (hosts, address, port) => {
    expect(matches(hosts, address, port)).toBe(true);
    expect(matches(hosts, address, port + 1)).toBe(false);
    expect(matches(hosts, `${address}.other`, port)).toBe(false);
  });

  it('is not slow for patterns made to be', () => {
    expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(253))).toBe(false);
  });

  it('never throws and accounts for every line that is not empty or a comment', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('@revoked', '@cert-authority', '|1|', 'ssh-ed25519', KEY, 'host', '*', '!', ',', '#'),
    );
    const text = fc.array(fc.array(word).map((words) => words.join(' '))).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, (file) => {
        const { entries, refused } = parseKnownHosts(file);
        const lines = file.split(/\r\n|\r|\n/).map((one) => one.trim());
        const meant = lines.flatMap((one, index) => (one === '' || one.startsWith('#') ? [] : [index + 1]));
        expect([...entries, ...refused].map((one) => one.line).sort((a, b) => a - b)).toEqual(meant);
        for (const entry of entries) matchesKnownHost(entry, 'host', 22);
      }),
      { numRuns: 500 },
    );
  });

  it('matches every name with itself and its own wildcards, and no other port', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 65_535 }), (address, port) => {
        const own = toKnownHostName(address, port);
        expect(matches(own, address, port)).toBe(true);
        expect(matches(`x,${own.replace(/[a-z0-9]/, '?')}`, address, port)).toBe(true);
        expect(matches(`*,!${own}`, address, port)).toBe(false);
        expect(matches(own, address, port === 1 ? 2 : port - 1)).toBe(false);
      }),
    );
  });
});
