import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { edgeSite } from '@/lib/testing/edge-site';
import { exampleLayout, SERVER_TOKEN } from '@/lib/testing/example-layout';
import { runInNetworkNamespace } from '@/lib/testing/in-network-namespace';
import { FIREWALL_PATH } from './firewall';
import { renderEveryFile } from './render-every-file';
import { TAILNET_GUARD_PATH } from './tailscale';

/**
 * Two network namespaces with a cable between them: `$1` is the address behind the firewall, `$2` its file, `$3` the
 * addresses of the other side, `$4` node, `$5` the dialler, `$6` what it dials.
 */
const SCENE = `set -eu
ip link set lo up
unshare -n sleep 60 & other=$!
trap 'kill "$other"' EXIT
own=$(readlink /proc/self/ns/net)
while [ "$(readlink "/proc/$other/ns/net")" = "$own" ]; do sleep 0.05; done
ip link add cable0 type veth peer name cable1
ip link set cable1 netns "$other"
ip address add "$1/24" dev cable0
ip link set cable0 up
nsenter -t "$other" -n ip link set cable1 up
for address in $3; do nsenter -t "$other" -n ip address add "$address/24" dev cable1; done
nft -f "$2"
nft -f "$2"
nsenter -t "$other" -n "$4" -e "$5" "$6"
`;

/** Nothing listens behind the firewall: a refusal proves that the packet came through, silence that it was dropped. */
const DIAL = `
const net = require('node:net');
const dgram = require('node:dgram');
const dialTcp = ({ from, to, port }) => new Promise((resolve) => {
  const socket = net.connect({ host: to, port, localAddress: from, timeout: 3000 });
  socket.on('error', (error) => resolve(error.code === 'ECONNREFUSED'));
  socket.on('connect', () => resolve(true));
  socket.on('timeout', () => { socket.destroy(); resolve(false); });
});
const dialUdp = ({ from, to, port }) => new Promise((resolve) => {
  const socket = dgram.createSocket('udp4');
  const end = (isOpen) => { clearTimeout(timer); socket.close(); resolve(isOpen); };
  const timer = setTimeout(() => end(false), 3000);
  socket.on('error', () => end(true));
  socket.bind(0, from, () => socket.connect(port, to, () => socket.send('x')));
});
const dials = JSON.parse(process.argv[1]);
Promise.all(dials.map((dial) => (dial.protocol === 'udp' ? dialUdp : dialTcp)(dial)))
  .then((open) => console.log(JSON.stringify(open)));
`;

const ADDRESSES = {
  lb1: '192.168.10.8',
  s2: '192.168.10.11',
  a1: '192.168.10.13',
  stranger: '192.168.10.99',
};

/** Which of these ports of a node are open to whom, by a real kernel with the rendered file. */
function openPorts(
  name: string,
  address: string,
  dials: readonly (readonly [keyof typeof ADDRESSES, string])[],
  dir: string,
) {
  const topology = exampleLayout({ security: { serverToken: SERVER_TOKEN, firewall: 'nftables' } });
  const file = renderEveryFile(topology, NodeId.parse(`n-${name}`)).find(
    ({ path }) => path === FIREWALL_PATH,
  );
  writeFileSync(join(dir, 'firewall.nft'), file?.content ?? '');
  const list = dials.map(([from, port]) => {
    const [number, protocol = 'tcp'] = port.split('/');
    return { from: ADDRESSES[from], to: address, port: Number(number), protocol };
  });
  const { status, stdout, stderr } = runInNetworkNamespace(SCENE, [
    address,
    join(dir, 'firewall.nft'),
    Object.values(ADDRESSES).join(' '),
    process.execPath,
    DIAL,
    JSON.stringify(list),
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const open = JSON.parse(stdout) as boolean[];
  return dials.map(([from, port], place) => `${from} ${port} ${open[place] ? 'open' : 'shut'}`);
}

describe('the firewall in a real kernel', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'siteplan-firewall-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Each line is dialled, so a line that the kernel sees otherwise fails. */
  function check(name: string, address: string, lines: readonly string[]) {
    const dials = lines.map((line) => {
      const [from = '', port = ''] = line.split(' ');
      return [from as keyof typeof ADDRESSES, port] as const;
    });
    expect(openPorts(name, address, dials, dir)).toEqual(lines);
  }

  it('opens a server to each as the port matrix says, also when the file is loaded again', () => {
    check('s1', '192.168.10.10', [
      'a1 6443 open',
      'a1 9345 open',
      'a1 10250 open',
      'a1 8472/udp open',
      'a1 2379 shut',
      'a1 2380 shut',
      'a1 3000 shut',
      's2 2379 open',
      's2 2380 open',
      's2 2381 shut',
      'lb1 6443 open',
      'lb1 9345 open',
      'lb1 10250 shut',
      'stranger 6443 open',
      'stranger 22 open',
      'stranger 9345 shut',
      'stranger 10250 shut',
      'stranger 4240 shut',
      'stranger 8472/udp shut',
      'stranger 9963 shut',
    ]);
  });

  it('opens a load balancer’s front ports to everybody and nothing else', () => {
    check('lb2', '192.168.10.9', [
      'stranger 6443 open',
      'stranger 9345 shut',
      'a1 9345 open',
      'stranger 22 open',
      'a1 10250 shut',
      'a1 8472/udp shut',
      'stranger 80 shut',
    ]);
  });
});

/** Sends one packet from `$2` to `$3` over the interface `$1`, with the guard `$4` loaded; the kernel says EPERM to a drop. */
const SEND = `set -eu
ip link add "$1" type veth peer name peer0
ip address add "$2/24" dev "$1"
ip link set "$1" up
ip link set peer0 up
ip neighbour add "$3" lladdr 02:00:00:00:00:01 dev "$1"
nft -f "$4"
"$5" -e "$6" "$2" "$3"
`;
const SEND_FROM_TAILSCALE = `
const [from, to] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
const send = () => socket.send('x', 5000, to, (error) => {
  console.log(error ? error.code : 'sent');
  socket.close();
});
socket.bind(41641, from, send);
`;

describe('the guard of the tailnet in a real kernel', () => {
  it.each([
    ['cilium_host', 'EPERM'],
    ['lxc1234', 'EPERM'],
    ['eth0', 'sent'],
  ])('a packet of Tailscale’s port over %s is %s', (device, outcome) => {
    const dir = mkdtempSync(join(tmpdir(), 'siteplan-guard-'));
    try {
      const file = renderEveryFile(edgeSite(), NodeId.parse('n-s1')).find(
        ({ path }) => path === TAILNET_GUARD_PATH,
      );
      writeFileSync(join(dir, 'guard.nft'), file?.content ?? '');
      const args = [
        device,
        '192.0.2.1',
        '192.0.2.2',
        join(dir, 'guard.nft'),
        process.execPath,
        SEND_FROM_TAILSCALE,
      ];
      expect(runInNetworkNamespace(SEND, args)).toEqual({ status: 0, stdout: `${outcome}\n`, stderr: '' });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
