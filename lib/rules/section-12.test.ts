import { describe, expect, it } from 'vitest';
import { BROKEN } from '@/lib/testing/broken-topologies';
import { checkTopology } from './check-topology';
import { RULES } from './catalogue';
import { Topology } from '@/lib/topology/topology';

/** How a document stands to a statement of the design text that is out of date. */
type Answer =
  /** A document can say it, and these rules answer; each is broken once in `broken-topologies.ts`. */
  | { readonly rules: readonly string[] }
  /** A document that says it is refused by the schema, at these places. */
  | { readonly refused: Readonly<Record<string, object>> }
  /** No document can say it. */
  | { readonly because: string };

const args = (component: string, argument: string) => ({ rke2: { serverArgs: { [component]: [argument] } } });

/* The rows of the corrections to the design text, by number; their words stand in e2e/trace.yaml. */
const ROWS: Readonly<Record<number, Answer>> = {
  1: { refused: { 'cilium.hostServices': { cilium: { hostServices: { enabled: true } } } } },
  2: { refused: { 'cilium.kubeProxyReplacement': { cilium: { kubeProxyReplacement: 'strict' } } } },
  3: { refused: { 'cilium.tunnel': { cilium: { tunnel: 'disabled' } } } },
  4: { refused: { 'cilium.k8sServiceHost': { cilium: { k8sServiceHost: '10.43.0.1' } } } },
  5: { refused: { 'rke2.disableKubeProxy': { rke2: { disableKubeProxy: false } } } },
  6: { because: 'the life of certificates is RKE2’s own and no field of the document' },
  7: { because: 'ports follow from the matrix in lib/ports; the document opens none' },
  8: { because: 'ports follow from the matrix in lib/ports; the document opens none' },
  9: { rules: ['etcd-metrics-open'] },
  10: { because: 'ports follow from the matrix in lib/ports; the document closes none' },
  11: { rules: ['os-kernel-too-old'] },
  12: { rules: ['argument-weakens'] },
  13: { refused: { 'security.cisProfile': { security: { cisProfile: 'cis-1.23' } } } },
  14: { rules: ['hubble-off', 'hubble-relay-off'] },
  15: { rules: ['operator-replicas'] },
  16: { because: 'which image bundles a node takes follows from its network, which is always Cilium' },
  17: { rules: ['argument-removed', 'argument-form', 'argument-of-a-field', 'argument-twice'] },
  18: { refused: { 'security.secretsEncryption': { security: { secretsEncryption: true } } } },
  19: { refused: { 'registration.dnsName': { registration: { dnsName: 'lb.example.com:6443' } } } },
  20: { because: 'the order of joins is the plan’s, one server at a time' },
  21: { rules: ['mixed-underlay', 'argument-of-a-field'] },
  22: { because: 'how nginx checks is in the rendered file and no field of the document' },
  23: { rules: ['node-grace-period', 'argument-removed'] },
  24: { rules: ['etcd-election-timeout'] },
  25: { rules: ['argument-k3s-only'] },
  26: { rules: ['ingress-nginx-ended', 'ingress-nginx-gone'] },
  27: { because: 'firewalld is found on the host by preflight; the document knows nftables or nothing' },
  28: { rules: ['double-encryption', 'mtu-over-tailnet'] },
  29: { rules: ['bpf-masquerade-needs-kpr'] },
  30: { rules: ['native-over-tailnet'] },
  31: { rules: ['policy-cuts-dns', 'policy-cuts-api', 'policy-on-system', 'policy-always'] },
  32: { because: 'a jump lies between two versions, and one document has one' },
  33: { because: 'what a stop leaves running is the business of the uninstall plan' },
  34: { rules: ['lb-on-server', 'same-machine'] },
  35: {
    because: 'a later edit lies between two revisions, and the first registration is right as it stands',
  },
  36: { rules: ['external-ip-on-tailnet', 'argument-of-a-field'] },
};

const answers = Object.entries(ROWS).map(([row, answer]) => ({ row: Number(row), answer }));

describe('corrections to the design text', () => {
  it('are answered row by row', () => {
    expect(answers.map(({ row }) => row)).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  });

  it.each(answers.filter(({ answer }) => 'rules' in answer))(
    'row $row has rules that are broken once',
    ({ answer }) => {
      if (!('rules' in answer)) throw new Error('filtered above');
      for (const ruleId of answer.rules) {
        expect(RULES.map(({ id }) => id)).toContain(ruleId);
        const [, , topology] = BROKEN.find(([id]) => id === ruleId) ?? [];
        expect(topology && checkTopology(topology).some((finding) => finding.ruleId === ruleId)).toBe(true);
      }
    },
  );

  it.each(answers.filter(({ answer }) => 'refused' in answer))(
    'row $row cannot be written: the schema refuses it',
    ({ answer }) => {
      if (!('refused' in answer)) throw new Error('filtered above');
      for (const [path, said] of Object.entries(answer.refused)) {
        const result = Topology.safeParse({ pattern: 'ha', ...said });
        const places = result.error?.issues.flatMap((issue) =>
          issue.code === 'unrecognized_keys'
            ? issue.keys.map((key) => [...issue.path, key].join('.'))
            : [issue.path.join('.')],
        );
        expect(places).toEqual([path]);
      }
    },
  );

  it('find what the text’s own words for a component would do', () => {
    const found = (input: object) =>
      checkTopology(Topology.parse({ pattern: 'custom', ...input })).map(({ ruleId }) => ruleId);
    expect(found(args('kubeControllerManager', 'pod-eviction-timeout=30s'))).toContain('argument-removed');
    expect(found(args('kubeApiserver', 'vpn-auth=name'))).toContain('argument-k3s-only');
    expect(found(args('kubeApiserver', 'advertise-address=100.64.1.10'))).toContain('argument-of-a-field');
    expect(found(args('kubelet', 'read-only-port=10255'))).toContain('argument-weakens');
    expect(found(args('kubelet', 'read-only-port=0'))).not.toContain('argument-weakens');
  });
});
