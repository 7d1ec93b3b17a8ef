import type { StateMark } from '@/lib/core/state-mark';
import type { Pattern, Role } from '@/lib/topology/topology';

export interface DrawnNode {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly address: string;
  /** `root@192.0.2.11`; shown while there is no live state. */
  readonly access: string;
  readonly zone: string;
  readonly position?: { readonly x: number; readonly y: number };
  readonly state: StateMark | null;
  /** Percent, null while unknown; absent when the drawing is not live. */
  readonly gauges?: {
    readonly cpu: number | null;
    readonly memory: number | null;
    readonly disk: number | null;
  };
  readonly badges: readonly string[];
  /** As on a revised plan: not there yet, different, or about to go. */
  readonly change?: 'added' | 'changed' | 'removed';
}

/** What the title block says; every text is ready to show. */
export interface TitleBlock {
  readonly site: string;
  readonly pattern: string;
  readonly revision: string;
  readonly appliedRevision: string;
  readonly drawnBy: string;
  readonly date: string;
  readonly verdict: StateMark | null;
  readonly dataAge: string;
}

/**
 * What is drawn, apart from how. It asks less than a topology, so that a form that is half filled in can be drawn:
 * names and addresses may be empty.
 */
export interface Drawing {
  readonly pattern: Pattern;
  readonly nodes: readonly DrawnNode[];
  /** The fixed address: nothing when clients and nodes go to the first server. */
  readonly entry: { readonly kind: 'vip' | 'dns' | 'external'; readonly label: string } | null;
  /** `192.0.2.0/24`, or empty when not stated. */
  readonly nodeCidr: string;
  /** A dashed frame around everything that is joined by Tailscale. */
  readonly hasOverlay: boolean;
  readonly titleBlock: TitleBlock;
}
