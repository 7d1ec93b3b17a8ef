import type { StateMark } from '@/lib/core/state-mark';
import type { Drawing, DrawnNode } from '@/lib/diagram/drawing';
import type { Role } from '@/lib/topology/topology';
import { readAt, toLooseNodes } from './document';
import type { LooseDocument } from './document';

interface About {
  readonly name: string;
  readonly drawnBy: string;
  readonly date: string;
  /** Revision at the site, null before it is stored. */
  readonly revision: number | null;
  /** States by node id, such as the worst of its checks. */
  readonly states?: ReadonlyMap<string, StateMark>;
}

/** The drawing of a form that may be half filled in. */
export function toDraftDrawing(document: LooseDocument, about: About): Drawing {
  const text = (...path: string[]) => {
    const value = readAt(document, path);
    return typeof value === 'string' ? value : '';
  };
  const nodes = toLooseNodes(document).map((node): DrawnNode => ({
    id: node.id,
    name: node.name,
    role: toRole(node.role),
    address: node.internalIp,
    access: `${node.ssh.user}@${node.ssh.address || node.internalIp || '…'}${node.ssh.port === '22' ? '' : `:${node.ssh.port}`}`,
    zone: node.zone,
    state: about.states?.get(node.id) ?? null,
    badges: [],
  }));
  const via = text('registration', 'via');
  return {
    pattern: 'custom',
    nodes,
    entry:
      via === 'vip'
        ? { kind: 'vip', label: text('registration', 'vip') }
        : via === 'dns'
          ? { kind: 'dns', label: text('registration', 'dnsName') }
          : null,
    nodeCidr: text('network', 'nodeCidr'),
    hasOverlay: readAt(document, ['edge', 'tailscale', 'enabled']) === true,
    titleBlock: {
      site: about.name || 'unnamed',
      pattern: text('pattern'),
      revision: about.revision === null ? 'draft' : String(about.revision),
      appliedRevision: 'none',
      drawnBy: about.drawnBy,
      date: about.date,
      verdict: { ink: 'ink-soft', shape: 'ring', word: 'not built yet' },
      dataAge: '–',
    },
  };
}

function toRole(text: string): Role {
  return text === 'agent' || text === 'lb' ? text : 'server';
}
