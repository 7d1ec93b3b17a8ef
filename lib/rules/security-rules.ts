import { agents } from '@/lib/topology/find-node';
import { toHit, toRemoveFix } from './rule';
import type { Rule } from './rule';

const TOKENS = 'RKE2 docs security/token';

/** Join tokens. */
export const SECURITY_RULES: readonly Rule[] = [
  {
    id: 'agent-token-missing',
    severity: 'info',
    source: TOKENS,
    find: (topology) =>
      agents(topology).length > 0 && topology.security.serverToken && !topology.security.agentToken
        ? [
            toHit(
              ['security', 'agentToken'],
              'Agents join with the servers’ token, so a stolen agent could join as a server.',
            ),
          ]
        : [],
  },
  {
    id: 'tokens-equal',
    severity: 'warning',
    source: TOKENS,
    find: ({ security: { serverToken, agentToken } }) =>
      serverToken && agentToken && serverToken.id === agentToken.id
        ? [
            toHit(
              ['security', 'agentToken'],
              'Agents’ token and servers’ token are the same secret, which makes the second one useless.',
              toRemoveFix('Leave the agents’ token out', ['security', 'agentToken']),
            ),
          ]
        : [],
  },
];
