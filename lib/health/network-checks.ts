import { toCount } from '@/lib/core/text';
import { portsOf } from '@/lib/ports/ports-of';
import type { CheckDefinition } from './check-definition';
import { toFinding } from './check-result';
import type { NodeFacts } from './facts';

/** Programs of RKE2 and Cilium: a port that one of them holds is in use by what should be there. */
const OWN_PROGRAMS =
  /^(rke2|k3s|kube-|kubelet|etcd|containerd|cloud-controll|cilium|hubble|envoy|nginx|keepalived)/;

const isActive = (facts: NodeFacts, unit: string) => facts.units[unit]?.active === 'active';
const isLoopback = (address: string) => address.startsWith('127.') || address === '::1';

/** Checks of addresses, ports and the programs that change network rules. */
export const networkChecks: readonly CheckDefinition[] = [
  {
    id: 'node-ip',
    title: 'Internal address',
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
    id: 'default-route',
    title: 'Default route',
    check: ({ facts }) =>
      toFinding(facts.hasDefaultRoute ? 'ok' : 'fail', {
        value: facts.hasDefaultRoute ? 'there' : 'none',
        threshold: 'there',
        why: 'RKE2 finds its addresses by the default route, even where the site has no internet.',
        fix: 'ip route add default via the gateway, or to a dummy interface, and make it last',
      }),
  },
  {
    id: 'resolver',
    title: 'Name servers',
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
    id: 'ports',
    title: 'Free ports',
    check: ({ topology, node, facts }) => {
      const wanted = new Map(
        portsOf(topology, node.id).map((entry) => [`${entry.protocol} ${entry.port}`, entry]),
      );
      const isServed =
        isActive(facts, `rke2-${node.role}.service`) && facts.stamps['rke2-install'] !== undefined;
      const taken = facts.listening.filter(
        ({ protocol, port, process }) =>
          wanted.has(`${protocol} ${port}`) && !OWN_PROGRAMS.test(process) && !isServed,
      );
      const isUnknown = facts.missingTools.includes('ss');
      const names = [
        ...new Set(taken.map(({ port, process }) => `${port} (${process || 'unknown program'})`)),
      ];
      return toFinding(names.length > 0 ? 'fail' : isUnknown ? 'warn' : 'ok', {
        value:
          names.length > 0 ? names.slice(0, 4).join(', ') : isUnknown ? 'unknown: ss is missing' : 'all free',
        threshold: `${toCount(wanted.size, 'port')} free`,
        why: 'Two programs cannot listen on the same port; RKE2 cannot move its own.',
        fix: 'Stop the other program or move it to another port: ss -ltnup',
      });
    },
  },
  {
    id: 'firewall',
    title: 'Firewall service',
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
