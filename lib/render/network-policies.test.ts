import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { NodeId } from '@/lib/core/ids';
import { edgeSite } from '@/lib/testing/edge-site';
import { exampleLayout } from '@/lib/testing/example-layout';
import type { Topology, TopologyInput } from '@/lib/topology/topology';
import { NETWORK_POLICIES_PATH } from './network-policies';
import { renderEveryFile } from './render-every-file';

const Selector = z.strictObject({ matchLabels: z.record(z.string(), z.string()) });
/** The part of Cilium's published CRD (cilium.io/v2) that Siteplan writes; strict, so that a misspelt key fails. */
const Policy = z.strictObject({
  apiVersion: z.literal('cilium.io/v2'),
  kind: z.literal('CiliumNetworkPolicy'),
  metadata: z.strictObject({ name: z.string(), namespace: z.string() }),
  spec: z.strictObject({
    endpointSelector: Selector,
    ingress: z.array(z.strictObject({ fromEndpoints: z.array(Selector) })),
    egress: z.array(
      z.strictObject({
        toEndpoints: z.array(Selector).optional(),
        toEntities: z.array(z.enum(['kube-apiserver', 'world'])).optional(),
        toPorts: z
          .array(
            z.strictObject({
              ports: z.array(z.strictObject({ port: z.string(), protocol: z.enum(['UDP', 'TCP']) })),
              rules: z
                .strictObject({ dns: z.array(z.strictObject({ matchPattern: z.string() })) })
                .optional(),
            }),
          )
          .optional(),
      }),
    ),
  }),
});

type PolicyInput = NonNullable<NonNullable<TopologyInput['cilium']>['policies']>[number];

function policiesOf(topology: Topology, name: string) {
  const file = renderEveryFile(topology, NodeId.parse(`n-${name}`)).find(
    ({ path }) => path === NETWORK_POLICIES_PATH,
  );
  return file ? parseAllDocuments(file.content).map((document) => Policy.parse(document.toJS())) : null;
}

function egressOf(
  changes: Partial<PolicyInput>,
  hubble: NonNullable<TopologyInput['cilium']>['hubble'] = {},
) {
  const policies = [{ name: 'isolation', namespace: 'shop', podLabels: { env: 'production' }, ...changes }];
  return policiesOf(exampleLayout({ cilium: { policies, hubble } }), 's1')?.[0]?.spec.egress ?? [];
}

const DNS = {
  toEndpoints: [
    { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' } },
  ],
};
const API = { toEntities: ['kube-apiserver'] };

describe('the segments of a topology', () => {
  it('keep production to itself with DNS and the API server left open', () => {
    const [policy, ...others] = policiesOf(edgeSite(), 's1') ?? [];
    expect(others).toEqual([]);
    const group = [
      { matchLabels: { env: 'production' } },
      { matchLabels: { env: 'production', 'k8s:io.kubernetes.pod.namespace': 'billing' } },
    ];
    expect(policy).toMatchObject({
      metadata: { name: 'edge-cluster-isolation', namespace: 'shop' },
      spec: { endpointSelector: { matchLabels: { env: 'production' } }, ingress: [{ fromEndpoints: group }] },
    });
    expect(policy?.spec.egress).toMatchObject([{ toEndpoints: group }, DNS, API]);
  });

  it('close what somebody closes, and open the world only where somebody says so', () => {
    expect(egressOf({ allowDns: false, allowApiServer: false })).toHaveLength(1);
    expect(egressOf({})).not.toContainEqual({ toEntities: ['world'] });
    expect(egressOf({ allowWorld: true })).toContainEqual({ toEntities: ['world'] });
  });

  it('send lookups through Cilium’s proxy only where Hubble counts them', () => {
    const rulesOf = (metrics: string[]) => egressOf({}, { metrics })[1]?.toPorts?.[0];
    expect(rulesOf(['dns:query', 'drop'])).toEqual({
      ports: [
        { port: '53', protocol: 'UDP' },
        { port: '53', protocol: 'TCP' },
      ],
      rules: { dns: [{ matchPattern: '*' }] },
    });
    expect(rulesOf(['drop'])).not.toHaveProperty('rules');
  });

  it('are one file on every server, the same text, and none without a segment', () => {
    const policies = ['a', 'b'].map((name) => ({ name, namespace: 'shop' }));
    const topology = exampleLayout({ cilium: { policies } });
    expect(policiesOf(topology, 's1')?.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(policiesOf(topology, 's3')).toEqual(policiesOf(topology, 's1'));
    expect(policiesOf(topology, 'a1')).toBeNull();
    expect(policiesOf(exampleLayout(), 's1')).toBeNull();
  });
});
