import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { exampleLayout } from '@/lib/testing/example-layout';
import { KEEPALIVED_PATH, NGINX_STREAM_PATH } from './load-balancer';
import { renderNode } from './render-node';

const { registration } = exampleLayout();

function contentOf(name: string, path: string, changes: Partial<typeof registration> = {}) {
  const topology = exampleLayout({ registration: { ...registration, ...changes } });
  return renderNode(topology, NodeId.parse(`n-${name}`)).find((file) => file.path === path)?.content;
}

describe('load balancer files', () => {
  it('pass 6443 and 9345 on to every server, and neither ends TLS nor closes idle watches', () => {
    const nginx = contentOf('lb1', NGINX_STREAM_PATH) ?? '';
    for (const place of [10, 11, 12]) {
      expect(nginx).toContain(`server 192.168.10.${place}:6443 max_fails=3 fail_timeout=5s;`);
      expect(nginx).toContain(`server 192.168.10.${place}:9345 max_fails=3 fail_timeout=5s;`);
    }
    expect(nginx.match(/proxy_timeout 24h;/g)).toHaveLength(2);
    expect(nginx).not.toMatch(/ssl|proxy_protocol/);
    expect(contentOf('lb2', NGINX_STREAM_PATH)).toBe(nginx);
  });

  it('mirror each other in keepalived, with different priorities', () => {
    const [one, two] = [contentOf('lb1', KEEPALIVED_PATH) ?? '', contentOf('lb2', KEEPALIVED_PATH) ?? ''];
    expect(one).toContain(
      '  priority 110\n  unicast_src_ip 192.168.10.8\n  unicast_peer {\n    192.168.10.9\n  }\n',
    );
    expect(two).toContain(
      '  priority 100\n  unicast_src_ip 192.168.10.9\n  unicast_peer {\n    192.168.10.8\n  }\n',
    );
    expect(one).toContain('    192.168.10.5/24\n');
    for (const text of [one, two])
      expect(text).toContain('  state BACKUP\n  nopreempt\n  interface eth0\n  virtual_router_id 51\n');
  });

  it('are nobody’s business for an external load balancer, and only nginx without a virtual IP', () => {
    expect(contentOf('lb1', NGINX_STREAM_PATH, { loadBalancer: 'external' })).toBeUndefined();
    expect(contentOf('lb1', KEEPALIVED_PATH, { via: 'dns', vip: undefined })).toBeUndefined();
    expect(contentOf('lb1', NGINX_STREAM_PATH, { via: 'dns', vip: undefined })).toBeDefined();
  });

  it('name no peers where there are none, which keepalived would refuse', () => {
    const { nodes } = exampleLayout();
    const topology = exampleLayout({ nodes: nodes.filter(({ name }) => name !== 'lb2') });
    const files = renderNode(topology, NodeId.parse('n-lb1'));
    const content = files.find((file) => file.path === KEEPALIVED_PATH)?.content ?? '';
    expect(content).toContain('  priority 110\n  virtual_ipaddress {\n    192.168.10.5/24\n');
    expect(content).not.toContain('unicast');
  });

  it('cannot be made without the interface', () => {
    expect(() => contentOf('lb1', KEEPALIVED_PATH, { interface: undefined })).toThrow(
      'registration.interface is empty',
    );
  });
});
