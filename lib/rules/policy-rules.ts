import { toHit, toRemoveFix, toSetFix } from './rule';
import type { Rule } from './rule';

const POLICY = 'Cilium docs security/policy/intro and security/policy/kubernetes';

/** Policies that keep pods apart; one that says too little about egress stops more than it means to. */
export const POLICY_RULES: readonly Rule[] = [
  {
    id: 'policy-cuts-dns',
    severity: 'warning',
    source: POLICY,
    find: ({ cilium: { policies } }) =>
      policies.flatMap(({ name, allowDns }, place) =>
        allowDns
          ? []
          : [
              toHit(
                ['cilium', 'policies', place, 'allowDns'],
                `The policy ${name} cuts DNS, because CoreDNS runs in kube-system; every look-up of its pods would fail.`,
                toSetFix('Allow DNS', ['cilium', 'policies', place, 'allowDns'], true),
              ),
            ],
      ),
  },
  {
    id: 'policy-cuts-api',
    severity: 'warning',
    source: POLICY,
    find: ({ cilium: { policies } }) =>
      policies.flatMap(({ name, allowApiServer }, place) =>
        allowApiServer
          ? []
          : [
              toHit(
                ['cilium', 'policies', place, 'allowApiServer'],
                `The policy ${name} cuts the Kubernetes API, which operators, leader election and service accounts need.`,
                toSetFix('Allow the API server', ['cilium', 'policies', place, 'allowApiServer'], true),
              ),
            ],
      ),
  },
  {
    id: 'policy-on-system',
    severity: 'error',
    source: POLICY,
    find: ({ cilium: { policies } }) =>
      policies.flatMap(({ name, namespace, podLabels }, place) =>
        namespace === 'kube-system' && Object.keys(podLabels).length === 0
          ? [
              toHit(
                ['cilium', 'policies', place],
                `The policy ${name} selects all of kube-system, so no pod elsewhere would reach CoreDNS any more. Select pods by labels.`,
                toRemoveFix(`Leave ${name} out`, ['cilium', 'policies', place]),
              ),
            ]
          : [],
      ),
  },
  {
    id: 'policy-twice',
    severity: 'error',
    source: 'Kubernetes documentation, object names',
    find: ({ cilium: { policies } }) => {
      const isLater = (place: number) =>
        policies
          .slice(0, place)
          .some(
            ({ name, namespace }) =>
              name === policies[place]?.name && namespace === policies[place].namespace,
          );
      const kept = policies.filter((_, place) => !isLater(place));
      return policies.flatMap(({ name, namespace }, place) =>
        isLater(place)
          ? [
              toHit(
                ['cilium', 'policies', place, 'name'],
                `${namespace} has a policy ${name} further up already; the later one would replace it.`,
                toSetFix('Keep the first', ['cilium', 'policies'], kept),
              ),
            ]
          : [],
      );
    },
  },
  {
    id: 'policy-not-enforced',
    severity: 'warning',
    source: POLICY,
    find: ({ cilium: { policies, policyEnforcement } }) =>
      policies.length > 0 && policyEnforcement === 'never'
        ? [
            toHit(
              ['cilium', 'policyEnforcement'],
              'Policies are written, but Cilium is told never to enforce any.',
              toSetFix('Use default', ['cilium', 'policyEnforcement'], 'default'),
            ),
          ]
        : [],
  },
];
