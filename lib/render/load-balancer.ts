import { findCidr } from '@/lib/core/cidr';
import { AppError } from '@/lib/core/errors';
import { loadBalancers, servers } from '@/lib/topology/find-node';
import { API_PORT, SUPERVISOR_PORT } from '@/lib/topology/registration';
import type { Topology, TopologyNode } from '@/lib/topology/topology';
import { MANAGED_HEADER } from './managed-header';
import type { RenderedFile } from './rendered-file';

/** In the top level of nginx.conf, after Debian's 50-mod-stream.conf; conf.d is inside `http` and would be an error. */
export const NGINX_STREAM_PATH = '/etc/nginx/modules-enabled/90-siteplan-stream.conf';
export const KEEPALIVED_PATH = '/etc/keepalived/keepalived.conf';

/** Files of a load balancer that Siteplan sets up: nginx, and keepalived where a virtual IP moves between them. */
export function renderLoadBalancer(topology: Topology, node: TopologyNode): RenderedFile[] {
  if (topology.registration.loadBalancer !== 'managed') return [];
  const files = [
    toFile(
      NGINX_STREAM_PATH,
      toNginx(topology),
      'nginx.service',
      'Passes the API and the supervisor on to the servers.',
    ),
  ];
  if (topology.registration.vip === undefined) return files;
  return [
    ...files,
    toFile(
      KEEPALIVED_PATH,
      toKeepalived(topology, node),
      'keepalived.service',
      'Moves the virtual IP between the load balancers.',
    ),
  ];
}

/**
 * TLS is passed through, because clients prove themselves by certificates. Checks are passive: a server that refuses
 * or times out is left alone for a while. The long timeout keeps watches and exec sessions (nginx stream module docs).
 */
function toNginx(topology: Topology): string {
  const backends = (port: number) =>
    servers(topology)
      .map(
        ({ name, internalIp }) => `    server ${internalIp}:${port} max_fails=3 fail_timeout=5s; # ${name}\n`,
      )
      .join('');
  const front = (port: number, upstream: string) =>
    [
      '  server {',
      `    listen ${port};`,
      `    proxy_pass ${upstream};`,
      '    proxy_connect_timeout 2s;',
      '    proxy_timeout 24h;',
      '    proxy_socket_keepalive on;',
      '  }',
      '',
    ].join('\n');
  return [
    'stream {',
    '  upstream siteplan_api {',
    '    least_conn;',
    `${backends(API_PORT)}  }`,
    '  upstream siteplan_join {',
    '    hash $remote_addr consistent;',
    `${backends(SUPERVISOR_PORT)}  }`,
    `${front(API_PORT, 'siteplan_api')}${front(SUPERVISOR_PORT, 'siteplan_join')}}`,
    '',
  ].join('\n');
}

/**
 * Both sides BACKUP with nopreempt, so the VIP does not flap back; unicast, because many networks drop multicast; a
 * failed check (weight 0) puts the instance into FAULT and the VIP moves (keepalived manual page).
 */
function toKeepalived(topology: Topology, node: TopologyNode): string {
  const { vip, interface: name, virtualRouterId } = topology.registration;
  if (name === undefined) {
    throw new AppError(
      'precondition-failed',
      `keepalived on ${node.name} must know its interface, but registration.interface is empty.`,
    );
  }
  const all = loadBalancers(topology);
  const place = all.findIndex(({ id }) => id === node.id);
  const peers = all.filter(({ id }) => id !== node.id).map(({ internalIp }) => `    ${internalIp}\n`);
  const prefix = findCidr(topology.network.nodeCidr ?? '')?.prefix ?? 32;
  return [
    'global_defs {',
    '  enable_script_security',
    '  script_user root',
    '}',
    'vrrp_script siteplan_nginx {',
    '  script "/usr/bin/systemctl is-active --quiet nginx"',
    '  interval 2',
    '  fall 2',
    '  rise 2',
    '}',
    'vrrp_instance siteplan {',
    '  state BACKUP',
    '  nopreempt',
    `  interface ${name}`,
    `  virtual_router_id ${virtualRouterId}`,
    `  priority ${Math.max(1, 110 - 10 * place)}`,
    // keepalived refuses an empty list of peers, which a load balancer alone would have.
    ...(peers.length === 0
      ? []
      : [`  unicast_src_ip ${node.internalIp}`, '  unicast_peer {', `${peers.join('')}  }`]),
    '  virtual_ipaddress {',
    `    ${vip}/${prefix}`,
    '  }',
    '  track_script {',
    '    siteplan_nginx',
    '  }',
    '}',
    '',
  ].join('\n');
}

function toFile(path: string, body: string, unit: string, purpose: string): RenderedFile {
  return {
    path,
    mode: '0644',
    owner: 'root',
    group: 'root',
    content: MANAGED_HEADER + body,
    secrets: [],
    readBy: [unit],
    onlyWithUnit: null,
    purpose,
  };
}
