import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { fillClusterCa } from '@/lib/render/cluster-ca';
import { renderNode } from '@/lib/render/render-node';
import { fillSecretSlots } from '@/lib/render/secret-slot';
import type { HostConnection } from '@/lib/ssh/connect-host';
import type { ScriptCall } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import { AGENT_TOKEN, exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { findShells, runScript } from '@/lib/testing/run-step';
import { createFactsReader } from './facts-reader';

const HASH = '0123456789abcdef'.repeat(4);
const OTHER = 'ab'.repeat(32);
const layout = exampleLayout();
const knownSecrets = [
  { ref: SERVER_TOKEN, value: 'the-token-of-the-servers' },
  { ref: AGENT_TOKEN, value: 'the-token-of-the-agents' },
];

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'siteplan-facts-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const rendered = (name: string) =>
  renderNode(layout, NodeId.parse(`n-${name}`)).find(({ path }) => path === RKE2_CONFIG_PATH);

function put(name: string, path: string, content: string): void {
  mkdirSync(dirname(join(dir, name, path)), { recursive: true });
  writeFileSync(join(dir, name, path), content, { mode: 0o600 });
}

/** The host as a run leaves it, its token pinned to this CA. */
function joinCluster(name: string, hash: string): void {
  const file = rendered(name);
  const valueOf = (ref: { id: string }) => knownSecrets.find((known) => known.ref.id === ref.id)?.value;
  const content = fillSecretSlots(file?.content ?? '', file?.secrets ?? [], valueOf);
  put(name, RKE2_CONFIG_PATH, fillClusterCa(content, hash));
}

/** Connections to folders that stand for hosts; `asked` notes who was connected to. */
function openHosts(away: readonly string[] = []) {
  const [shell = ['sh']] = findShells();
  const asked: string[] = [];
  const connect = async (nodeId: string) => {
    const name = nodeId.slice(2);
    asked.push(name);
    if (away.includes(name))
      throw new HostError({ code: 'host-unreachable', message: `${name} is away`, nextAction: 'wait' });
    const root = join(dir, name);
    mkdirSync(root, { recursive: true });
    const run = async ({ script, variables }: ScriptCall) => {
      const result = await runScript(shell, script, { ...variables, root }, { cwd: root });
      const [stdout, stderr] = [Buffer.from(result.stdout), Buffer.from(result.stderr)];
      return { exitCode: result.code, stdout, stderr, truncated: false };
    };
    // Only these two are used.
    return { name, openShell: () => ({ run, close: () => undefined }) } as unknown as HostConnection;
  };
  return { asked, read: createFactsReader({ connect }, layout, knownSecrets) };
}

describe('facts of a node that has joined', () => {
  const configOf = async ({ read }: ReturnType<typeof openHosts>, name: string) =>
    (await read(NodeId.parse(`n-${name}`))).facts.files[RKE2_CONFIG_PATH]?.content;

  it('are what was rendered, where its token pins the CA of the first server, which is asked once', async () => {
    put('s1', 'var/lib/rancher/rke2/server/token', `K10${HASH}::server:the-token-of-the-servers\n`);
    for (const name of ['s2', 'a1', 'a2']) joinCluster(name, HASH);
    const hosts = openHosts();
    for (const name of ['s2', 'a1', 'a2'])
      expect(await configOf(hosts, name), name).toBe(rendered(name)?.content);
    expect(hosts.asked.filter((name) => name === 's1')).toHaveLength(1);
  });

  it('show the hash of another CA, or of one that nobody can name, and never the token', async () => {
    put('s1', 'var/lib/rancher/rke2/server/token', `K10${HASH}::server:the-token-of-the-servers\n`);
    joinCluster('s2', OTHER);
    const shown = rendered('s2')?.content.replace('⟦cluster-ca⟧', OTHER);
    expect(await configOf(openHosts(), 's2')).toBe(shown);
    expect(await configOf(openHosts(['s1']), 's2')).toBe(shown);
  });

  it('do not ask the first server where nothing is pinned', async () => {
    put('s2', RKE2_CONFIG_PATH, `token: "the-token-of-the-servers"\n`);
    const hosts = openHosts(['s1']);
    expect(await configOf(hosts, 's2')).toBe('token: "⟦secret sec-server v1⟧"\n');
    expect(hosts.asked).toEqual(['s2']);
  });
});
