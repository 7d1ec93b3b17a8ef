import type {
  CheckContext,
  CheckDefinition,
  CheckFinding,
  Link,
  LinkCheckId,
  LinkState,
} from './check-definition';
import { toFinding, toShortList } from './check-result';
import { isLinkUnknown, isReached } from './link-states';
import type { ReachedState } from './link-states';

/** What to do about a link, by how its worst port ended. */
const FIXES: Readonly<Record<Exclude<LinkState, ReachedState>, (from: string, to: string) => string>> = {
  blocked: (from, to) =>
    `Let it pass on ${to} (nft list ruleset, firewall-cmd --list-all) and on every firewall on the way from ${from}.`,
  refused: (from, to) =>
    `A firewall on ${to} or on the way refuses ${from}: nft list ruleset, firewall-cmd --list-all`,
  'no-route': (from, to) =>
    `On ${from}: ip route get, with the internal address of ${to}; there is no way to it.`,
  stranger: (_from, to) =>
    `Another machine or a proxy answers in place of ${to}: look for a second host with its address.`,
  'too-big': (from, to) =>
    `Set the MTU of the drawing to what the path between ${from} and ${to} takes, or mend the path.`,
  unknown: (from, to) =>
    `Install python3 or perl on ${from} and ${to}, and see that each has its internal address.`,
};

const REACH_WHY =
  'Nodes that cannot reach each other join and then hang, or lose pods’ traffic between them.';

/** Checks that dial from each node to the others, on the drawing's own port matrix and over its internal addresses. */
export const linkChecks: readonly CheckDefinition[] = [
  toLinkCheck(
    'reach-tcp',
    'TCP to the others',
    'every needed TCP port open',
    'rke2 issue 5651; RKE2 docs install/requirements',
    REACH_WHY,
  ),
  toLinkCheck(
    'reach-udp',
    'UDP to the others',
    'every needed UDP port open',
    'cilium issue 25537; RKE2 docs install/requirements',
    REACH_WHY,
  ),
  toLinkCheck(
    'reach-ping',
    'Ping to the others',
    'every node answers',
    'Cilium docs operations/system_requirements',
    'Cilium’s health probes ping; without an answer it reports nodes as unreachable.',
  ),
  toLinkCheck(
    'reach-vrrp',
    'VRRP to the others',
    'IP protocol 112 passes',
    'keepalived manual page',
    'Load balancers that do not hear each other both take the virtual IP.',
  ),
  toLinkCheck(
    'path-mtu',
    'Whole packets',
    'packets of the link’s size pass',
    'tailscale issue 18565',
    'Where only small packets pass, nodes join and then image pulls and logs hang.',
  ),
];

function toLinkCheck(
  id: LinkCheckId,
  title: string,
  threshold: string,
  source: string,
  why: string,
): CheckDefinition {
  const check = (context: CheckContext): CheckFinding | null => {
    const links = context.links?.filter((link) => link.checkId === id) ?? [];
    return links.length > 0 ? judgeLinks(context, links, { threshold, why }) : null;
  };
  return { id, title, group: 'links', source, needs: ['links'], check };
}

function judgeLinks(
  { topology, node }: CheckContext,
  links: readonly Link[],
  words: { readonly threshold: string; readonly why: string },
): CheckFinding {
  const nameOf = (id: string) => topology.nodes.find((one) => one.id === id)?.name ?? id;
  const ofStatus = (status: Link['status']) => links.filter((link) => link.status === status);
  const [failed, warned] = [ofStatus('fail'), ofStatus('warn')];
  const status = failed.length > 0 ? 'fail' : warned.length > 0 ? 'warn' : 'ok';
  const bad = status === 'fail' ? failed : warned;
  const [first] = bad;
  const state = first?.ports.map((port) => port.state).find((each) => !isReached(each));
  const finding = toFinding(status, {
    ...words,
    value:
      bad.length === 0
        ? `${links.length} of ${links.length}`
        : toShortList(
            bad.map(({ toId, value }) => `${nameOf(toId)}: ${value}`),
            2,
            '; ',
          ),
    whole: bad
      .flatMap(({ toId, ports, value }) => [
        `${toId} ${value}`,
        ...ports.map((port) => `${port.ruleId} ${port.protocol} ${port.port} ${port.state}`),
      ])
      .join('\n'),
    fix: first && state && !isReached(state) ? FIXES[state](node.name, nameOf(first.toId)) : '',
  });
  const isUnknown = status === 'warn' && bad.every(isLinkUnknown);
  return isUnknown ? { ...finding, isUnknown } : finding;
}
