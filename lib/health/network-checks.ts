import { quoteShell } from '@/lib/core/shell-quote';
import { doCidrsOverlap, findCidr, parseCidr, TAILNET_CIDR } from '@/lib/core/cidr';
import { toCount } from '@/lib/core/text';
import { portsOf } from '@/lib/ports/ports-of';
import { findNode } from '@/lib/topology/find-node';
import type { TopologyNode } from '@/lib/topology/topology';
import type { CheckContext, CheckDefinition } from './check-definition';
import {
  isActive,
  isClusterNode,
  isOurBalancer,
  isOurs,
  toFinding,
  toShortList,
  toUnknown,
} from './check-result';
import type { NodeFacts } from './facts';

/** Programs of RKE2 and Cilium: on a node that we installed, a port of theirs is in use by what should be there. */
const CLUSTER_PROGRAMS =
  /^(rke2|k3s|kube-|kubelet|etcd|containerd|cloud-controll|cilium|hubble|envoy|nginx|keepalived)/;
/** The same on a load balancer that we installed. */
const BALANCER_PROGRAMS = /^(nginx|keepalived)/;
/** Interfaces of the cluster network itself: their routes are no conflict with it. */
const CLUSTER_INTERFACES = /^(cilium_|lxc|cni|flannel|kube-)/;

const isLoopback = (address: string) => address.startsWith('127.') || address === '::1';

const addressChecks: readonly CheckDefinition[] = [
  {
    id: 'node-ip',
    title: 'Internal address',
    group: 'network',
    source: 'rke2 issues 1263, 5651',
    check: ({ node, facts }) => {
      const found = facts.addresses.find(({ address }) => address === node.internalIp);
      return toFinding(found ? 'ok' : 'fail', {
        value: found ? `${node.internalIp} on ${found.interface}` : 'on no interface',
        threshold: node.internalIp,
        why: 'etcd and the kubelet bind to this address; an etcd member cannot change it later.',
        fix: `Correct the internal address of ${node.name}, or give the host ${node.internalIp} for good.`,
      });
    },
  },
  {
    id: 'lease',
    title: 'Address for good',
    group: 'network',
    source: 'rke2 issues 1263, 6270',
    needs: ['survey'],
    check: ({ node, survey }) => {
      if (!survey) return null;
      const isLeased = survey.leasedAddresses.includes(node.internalIp);
      return toFinding(isLeased ? 'warn' : 'ok', {
        value: isLeased ? 'leased by DHCP' : 'static',
        threshold: 'static, or reserved in DHCP',
        why: 'An etcd member or load balancer that gets another address is lost.',
        fix: `Set ${node.internalIp} statically on the host, or reserve it for this host in the DHCP server.`,
      });
    },
  },
  {
    id: 'link-speed',
    title: 'Link speed',
    group: 'network',
    source: 'architecture text, hardware requirements',
    needs: ['survey'],
    check: ({ node, facts, survey }) => {
      const name = facts.addresses.find(({ address }) => address === node.internalIp)?.interface;
      if (!survey || name === undefined) return null;
      const speed = survey.links.find((link) => link.name === name)?.speedMbit ?? null;
      const words = {
        threshold: '1 Gbit/s recommended',
        why: 'Images, etcd and pod traffic share this link.',
        fix: `Look at the cable, the switch port and: ethtool ${quoteShell(name)}`,
      };
      if (speed === null) return toUnknown({ ...words, value: `the driver of ${name} does not say` });
      const value = speed >= 1_000 ? `${speed / 1_000} Gbit/s` : `${speed} Mbit/s`;
      return toFinding(speed < 1_000 ? 'warn' : 'ok', { ...words, value });
    },
  },
  {
    id: 'default-route',
    title: 'Default route',
    group: 'network',
    source: 'RKE2 docs install/airgap',
    check: ({ facts }) =>
      toFinding(facts.hasDefaultRoute ? 'ok' : 'fail', {
        value: facts.hasDefaultRoute ? 'there' : 'none',
        threshold: 'there',
        why: 'RKE2 finds its addresses by the default route, even where the site has no internet.',
        fix: 'ip route add default via the gateway, or to a dummy interface, and make it last',
      }),
  },
  {
    id: 'routes',
    title: 'Overlapping routes',
    group: 'network',
    source: 'RKE2 facts, host network services',
    needs: ['survey'],
    check: checkRoutes,
  },
  {
    id: 'resolver',
    title: 'Name servers',
    group: 'network',
    source: 'RKE2 facts, runner-ups of preflight',
    check: ({ facts }) => {
      const outside = facts.resolvers.filter((address) => !isLoopback(address));
      return toFinding(outside.length > 0 ? 'ok' : 'warn', {
        value: facts.resolvers.slice(0, 3).join(', ') || 'none',
        threshold: 'one that is not loopback',
        why: 'With loopback resolvers only, RKE2 hands 8.8.8.8 to the pods.',
        fix: 'Name a real resolver in /etc/resolv.conf or in systemd-resolved.',
      });
    },
  },
  {
    id: 'vip',
    title: 'Virtual IP',
    group: 'network',
    source: 'keepalived manual page',
    needs: ['all-facts', 'vip'],
    check: checkVip,
  },
];

/** Networks that the host already reaches otherwise: pods and services there would be unreachable, or those networks. */
function checkRoutes({ topology, node, survey }: CheckContext) {
  if (!isClusterNode(node) || !survey) return null;
  const own = [topology.network.clusterCidr, topology.network.serviceCidr].map(parseCidr);
  const taken = survey.routes.filter(({ to, interface: device }) => {
    const cidr = findCidr(to);
    const isTailnet = device.startsWith('tailscale') && cidr && doCidrsOverlap(cidr, TAILNET_CIDR);
    return (
      cidr && !isTailnet && !CLUSTER_INTERFACES.test(device) && own.some((one) => doCidrsOverlap(one, cidr))
    );
  });
  const names = taken.map(({ to, interface: device }) => `${to} by ${device || 'no interface'}`);
  return toFinding(names.length > 0 ? 'fail' : 'ok', {
    value: names.length > 0 ? toShortList(names) : 'none',
    threshold: `none into ${topology.network.clusterCidr}, ${topology.network.serviceCidr}`,
    why: 'The host would send pod or service traffic into that network, or lose that network.',
    fix: 'Choose other networks for pods and services in the drawing, or move the other network (Docker: daemon.json).',
  });
}

/** Nobody may have the address before we give it out; afterwards one load balancer of ours has it. */
function checkVip({ topology, node, all, vip }: CheckContext) {
  const { vip: address, loadBalancer } = topology.registration;
  if (node.role !== 'lb' || address === undefined || loadBalancer !== 'managed') return null;
  const words = {
    threshold: 'nobody’s, or held by one load balancer',
    why: 'Two machines with one address take turns answering, and half of the connections fail.',
    fix: `Find the machine (ip neigh show ${address}) and give it another address, or choose another virtual IP.`,
  };
  const holders = all.filter(({ addresses }) => addresses.some((one) => one.address === address));
  const names = holders.map(({ nodeId }) => findNode(topology, nodeId)?.name ?? nodeId);
  const areOurs = holders.every(
    (facts) => findNode(topology, facts.nodeId)?.role === 'lb' && isActive(facts, 'keepalived.service'),
  );
  if (holders.length > 0) {
    const isFine = areOurs && holders.length === 1;
    return toFinding(isFine ? 'ok' : 'fail', {
      ...words,
      value: isFine ? `held by ${names.join()}` : `an address of ${names.join(' and ')}`,
    });
  }
  if (!vip || vip.state === 'unknown')
    return toUnknown({ ...words, value: 'nothing to ask with on this host' });
  return vip.state === 'silent'
    ? toFinding('ok', { ...words, value: 'free' })
    : toFinding('fail', { ...words, value: `answered by ${vip.mac || 'another machine'}` });
}

const serviceChecks: readonly CheckDefinition[] = [
  {
    id: 'ports',
    title: 'Free ports',
    group: 'network',
    source: 'RKE2 docs install/requirements; kubespray issue 12257',
    check: checkPorts,
  },
  {
    id: 'firewall',
    title: 'Firewall service',
    group: 'network',
    source: 'RKE2 docs known_issues',
    check: ({ facts }) => {
      const active = ['firewalld.service', 'ufw.service'].filter((unit) => isActive(facts, unit));
      return toFinding(active.length === 0 ? 'ok' : 'warn', {
        value: active.length === 0 ? 'none' : active.join(', '),
        threshold: 'none active',
        why: 'Their rules and those of the cluster network undo each other (RKE2 docs known issues).',
        fix: active.map((unit) => `systemctl disable --now ${unit}`).join(' && '),
      });
    },
  },
  {
    id: 'nm-cloud-setup',
    title: 'nm-cloud-setup',
    group: 'network',
    source: 'rke2 issue 1053',
    check: ({ facts }) => {
      const active = ['nm-cloud-setup.service', 'nm-cloud-setup.timer'].filter(
        (unit) => isActive(facts, unit) || facts.units[unit]?.enabled === 'enabled',
      );
      return toFinding(active.length === 0 ? 'ok' : 'fail', {
        value: active.length === 0 ? 'off' : active.join(', '),
        threshold: 'off',
        why: 'It takes the cluster’s routing rules away minutes after the start.',
        fix: 'systemctl disable --now nm-cloud-setup.service nm-cloud-setup.timer, then reboot',
      });
    },
  },
];

function checkPorts({ topology, node, facts }: CheckContext) {
  const wanted = new Map(
    portsOf(topology, node.id).map((entry) => [`${entry.protocol} ${entry.port}`, entry]),
  );
  const isServed = isActive(facts, `rke2-${node.role}.service`) && isOurs(facts);
  const taken = facts.listening.filter(
    ({ protocol, port, process }) =>
      wanted.has(`${protocol} ${port}`) && !isOwnProgram(node, facts, process) && !isServed,
  );
  const names = [...new Set(taken.map(({ port, process }) => `${port} (${process || 'unknown program'})`))];
  const words = {
    value: names.length > 0 ? names.slice(0, 4).join(', ') : 'all free',
    whole: names.join(', '),
    threshold: `${toCount(wanted.size, 'port')} free`,
    why: 'Two programs cannot listen on the same port; RKE2 cannot move its own.',
    fix: 'Stop the other program or move it to another port: ss -ltnup',
  };
  if (names.length === 0 && facts.missingTools.includes('ss'))
    return toUnknown({ ...words, value: 'ss is missing' });
  return toFinding(names.length > 0 ? 'fail' : 'ok', words);
}

/** On a host that is not ours even a program of the right name belongs to somebody else: kubeadm's etcd, a website's nginx. */
function isOwnProgram({ role }: TopologyNode, facts: NodeFacts, process: string): boolean {
  if (role === 'lb') return isOurBalancer(facts) && BALANCER_PROGRAMS.test(process);
  return isOurs(facts) && CLUSTER_PROGRAMS.test(process);
}

/** Checks of addresses, routes, ports and the programs that change network rules. */
export const networkChecks: readonly CheckDefinition[] = [...addressChecks, ...serviceChecks];
