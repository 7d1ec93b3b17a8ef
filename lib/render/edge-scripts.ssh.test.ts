import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edgeSite } from '@/lib/testing/edge-site';
import { oneServer } from '@/lib/testing/example-layout';
import { runInNetworkNamespace, runProgram } from '@/lib/testing/in-network-namespace';
import type { Topology } from '@/lib/topology/topology';
import { renderEveryFile } from './render-every-file';
import { TAILSCALE_JOIN_PATH } from './tailscale';
import { SHAPING_PATH } from './traffic-shaping';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'siteplan-edge-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(topology: Topology, path: string): string {
  const file = topology.nodes
    .slice(0, 1)
    .flatMap(({ id }) => renderEveryFile(topology, id))
    .find((candidate) => candidate.path === path);
  const target = join(dir, 'script.sh');
  writeFileSync(target, file?.content ?? '');
  return target;
}

describe('traffic shaping by a real tc', () => {
  const ON_TAILNET = 'ip tuntap add tailscale0 mode tun; ip link set tailscale0 up;';
  const SHOW =
    'tc class show dev "$device" | sort; tc qdisc show dev "$device"; tc filter show dev "$device"';

  it('sets two classes on the tailnet, the same again, and takes them away', () => {
    const script = write(edgeSite(), SHAPING_PATH);
    const { status, stdout, stderr } = runInNetworkNamespace(
      `set -e; device=tailscale0; ${ON_TAILNET} sh "$1" start; sh "$1" start; ${SHOW}; sh "$1" stop; echo; tc qdisc show dev tailscale0`,
      [script],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [shaped = '', after = ''] = stdout.split('\n\n');
    expect(shaped).toContain('shaping tailscale0 to 1900 kbit/s, 760 kbit/s of it for the control plane\n');
    expect(shaped).toMatch(/class htb 1:10 parent 1:1 (leaf 10: )?prio 0 rate 760Kbit ceil 1900Kbit/);
    expect(shaped).toMatch(/class htb 1:20 parent 1:1 (leaf 20: )?prio 1 rate 1140Kbit ceil 1900Kbit/);
    // Set twice: two queues at the end, or on a kernel without them four words about it.
    const queues = shaped.match(/^qdisc fq_codel/gm)?.length ?? 0;
    const missing = shaped.match(/^class [12]0: no fq_codel here$/gm)?.length ?? 0;
    expect([queues, missing]).toEqual(queues > 0 ? [2, 0] : [0, 4]);
    // 6443 is 0x192b: as destination in the low half of the first word of TCP, as source in the high half.
    expect(shaped).toContain('match 0000192b/0000ffff at 20');
    expect(shaped).toContain('match 192b0000/ffff0000 at 20');
    expect(after).not.toMatch(/htb|fq_codel/);
  });

  it('finds the uplink by the default route, and leaves the site’s own network out', () => {
    const topology = oneServer({
      edge: { trafficShaping: { enabled: true, uplinkKbit: 1_000 } },
      network: { nodeCidr: '192.0.2.0/24' },
    });
    const setUp =
      'ip link add up0 type veth peer name up1; ip address add 192.0.2.11/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.1;';
    const { status, stdout, stderr } = runInNetworkNamespace(
      `set -e; device=up0; ${setUp} sh "$1"; ${SHOW}`,
      [write(topology, SHAPING_PATH)],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('shaping up0 to 950 kbit/s');
    expect(stdout).toMatch(/class htb 1:30 root prio 0 rate 10Gbit/);
    expect(stdout).toContain('match c0000200/ffffff00 at 16');
  });

  it('says so where there is no uplink', () => {
    const topology = oneServer({ edge: { trafficShaping: { enabled: true, uplinkKbit: 1_000 } } });
    expect(runInNetworkNamespace('sh "$1"', [write(topology, SHAPING_PATH)])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'no default route, so no uplink to shape\n',
    });
  });
});

/** `tailscale` itself is not here: a stand-in that says the states of ipn/ipnstate and writes down how it was called. */
describe('joining the tailnet', () => {
  function joinTailnet(states: readonly string[]) {
    const stub = [
      '#!/bin/sh',
      `cd '${dir}'`,
      'if [ "$1" = status ]; then',
      '  read -r state < states',
      '  if [ "$(wc -l < states)" -gt 1 ]; then sed -i 1d states; fi',
      '  if [ "$state" = away ]; then exit 1; fi',
      '  printf \'{\\n  "Version": "1.90.1",\\n  "BackendState": "%s",\\n  "AuthURL": ""\\n}\\n\' "$state"',
      'else',
      '  printf "%s\\n" "$@" > called',
      'fi',
      '',
    ];
    writeFileSync(join(dir, 'tailscale'), stub.join('\n'));
    writeFileSync(join(dir, 'called'), '');
    chmodSync(join(dir, 'tailscale'), 0o755);
    writeFileSync(join(dir, 'states'), `${states.join('\n')}\n`);
    const script = write(edgeSite(), TAILSCALE_JOIN_PATH);
    const result = runProgram('dash', ['-c', 'PATH="$1:$PATH" exec dash "$2"', 'dash', dir, script]);
    return { ...result, called: readFileSync(join(dir, 'called'), 'utf8').split('\n').slice(0, -1) };
  }

  it('signs in by the key file, with name, tags and no foreign DNS, and never waits for ever', () => {
    expect(joinTailnet(['NeedsLogin'])).toMatchObject({
      status: 0,
      called: [
        'up',
        '--auth-key=file:/etc/siteplan/tailscale-auth-key',
        '--hostname=s1',
        '--advertise-tags=tag:edge,tag:rke2',
        '--accept-dns=false',
        '--timeout=120s',
      ],
    });
  });

  it('waits while tailscaled starts, and does nothing on a node that is on the tailnet', () => {
    expect(joinTailnet(['away', 'NoState', 'Running'])).toMatchObject({
      status: 0,
      stdout: 'this node is on the tailnet already\n',
      called: [],
    });
  });

  it('says what a person has to do where it cannot go on', () => {
    expect(joinTailnet(['NeedsMachineAuth'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('approve this machine') as string,
      called: [],
    });
  });
});
