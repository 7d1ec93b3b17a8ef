import { describe, expect, it } from 'vitest';
import { NodeId, SecretId } from '@/lib/core/ids';
import { maskSecrets } from '@/lib/health/mask-secrets';
import { exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import type { Topology } from '@/lib/topology/topology';
import { fillClusterCa, findClusterCa, findPinnedCa, hasClusterCaSlot, toUnpinned } from './cluster-ca';
import { renderNode } from './render-node';
import { RKE2_CONFIG_PATH } from './rke2-config';
import { fillSecretSlots, toSlottedText } from './secret-slot';
import { PinnedTokenSlot, toYaml } from './to-yaml';

const HASH = '0123456789abcdef'.repeat(4);
const OTHER = 'ab'.repeat(32);
const ref = { id: SecretId.parse('sec-join'), version: 1 };
const value = 'a-join-token-of-32-characters-and-more';
const text = toYaml({ server: 'https://192.0.2.1:9345', token: new PinnedTokenSlot('server', ref) });
const filled = fillClusterCa(
  fillSecretSlots(text, [ref], () => value),
  HASH,
);
/** As facts are read: known secrets as slots, what nobody knows masked, then the CA of the cluster. */
const toFact = (content: string, hash: string) =>
  toUnpinned(maskSecrets(toSlottedText(content, [{ ref, value }])), hash);

describe('the slot of the cluster’s CA', () => {
  it('is filled to a full token, and read back as it was', () => {
    expect(hasClusterCaSlot(text)).toBe(true);
    expect(filled).toBe(`server: https://192.0.2.1:9345\ntoken: "K10${HASH}::server:${value}"\n`);
    expect(toFact(filled, HASH)).toBe(text);
  });

  it('takes nothing but 64 hex digits', () => {
    for (const hash of ['', 'abc', `${HASH}0`, HASH.toUpperCase(), `${HASH}\n`])
      expect(() => fillClusterCa(text, hash)).toThrow('not the hash of a cluster CA');
    expect(findClusterCa(`${HASH}\n`)).toBe(HASH);
    for (const printed of ['', 'K10', `${HASH}\n${HASH}\n`, `${HASH} x`, 'x'.repeat(64)])
      expect(findClusterCa(printed)).toBeNull();
  });

  it('stays out where a token pins another CA, whose hash a plan then shows', () => {
    const found = toFact(filled, OTHER);
    expect(findPinnedCa(found)).not.toBeNull();
    expect(found).toBe(`server: https://192.0.2.1:9345\ntoken: "K10${HASH}::server:⟦secret sec-join v1⟧"\n`);
  });

  it('is nothing that a host can claim to hold, and no unknown password is shown behind it', () => {
    expect(toFact(text, HASH)).not.toContain('⟦cluster-ca⟧');
    expect(toFact(`token: "K10${HASH}::server:somebody-elses"\n`, HASH)).toBe('token: "⟦masked⟧"\n');
    expect(() => toYaml({ note: '⟦cluster-ca⟧' })).toThrow('brackets of secret slots');
  });
});

describe('config.yaml', () => {
  const linesOf = (topology: Topology, name: string) =>
    renderNode(topology, NodeId.parse(`n-${name}`))
      .find(({ path }) => path === RKE2_CONFIG_PATH)
      ?.content.split('\n');

  it('pins the CA in the token of every node that joins, and on the server that makes the CA nothing', () => {
    const layout = exampleLayout();
    const server = '⟦secret sec-server v1⟧';
    expect(linesOf(layout, 's1')).toContain(`token: "${server}"`);
    for (const name of ['s2', 's3'])
      expect(linesOf(layout, name)).toContain(`token: "K10⟦cluster-ca⟧::server:${server}"`);
    expect(linesOf(layout, 's2')).toContain('agent-token: "⟦secret sec-agent v2⟧"');
    expect(linesOf(layout, 'a1')).toContain('token: "K10⟦cluster-ca⟧::node:⟦secret sec-agent v2⟧"');
    const shared = exampleLayout({ security: { serverToken: SERVER_TOKEN } });
    expect(linesOf(shared, 'a1')).toContain(`token: "K10⟦cluster-ca⟧::server:${server}"`);
  });
});
