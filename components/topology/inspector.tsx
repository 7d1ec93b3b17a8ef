'use client';
import { X } from 'lucide-react';
import type { StateMark as Mark } from '@/lib/core/state-mark';
import type { NodeNow } from '@/lib/health/site-now';
import type { TopologyNode } from '@/lib/topology/topology';
import { Button } from '@/components/ui/button';
import { Changing } from '@/components/ui/changing';
import { Facts } from '@/components/ui/panels';
import { RelativeTime } from '@/components/ui/relative-time';
import { Badge, StateMark } from '@/components/ui/state-mark';

interface Props {
  readonly node: TopologyNode;
  readonly now: NodeNow | null;
  readonly mark: Mark | null;
  readonly onClose: () => void;
}

/** Everything about the chosen node: what it shall be and what it is. */
export function Inspector({ node, now, mark, onClose }: Props) {
  const percent = (value: number | null) => (
    <Changing value={value === null ? '–' : `${Math.round(value)} %`} />
  );
  const mono = (text: string) => <span className="font-mono break-all">{text || '–'}</span>;
  return (
    <aside
      aria-label={`Node ${node.name}`}
      className="w-80 shrink-0 overflow-auto border border-line bg-raised"
    >
      <div className="flex items-center gap-2 border-b border-grid px-3 py-2">
        <h2 className="min-w-0 font-mono break-all">{node.name}</h2>
        <Badge>{node.role}</Badge>
        <Button look="quiet" isCompact aria-label="Close the inspector" className="ml-auto" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </Button>
      </div>
      <div className="flex flex-col gap-4 p-3">
        <section aria-label="State" className="flex flex-col gap-2">
          {mark ? <StateMark {...mark} /> : <span className="text-soft">Not watched yet.</span>}
          {now && now.reasons.length > 0 && (
            <ul className="list-disc pl-4">
              {now.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          )}
          {now && (
            <Facts
              entries={[
                ['cpu', percent(now.cpuPercent)],
                ['memory', percent(now.memoryPercent)],
                ['disk', percent(now.diskPercent)],
                ['heard', now.sampledAt ? <RelativeTime key="heard" at={now.sampledAt} /> : 'never'],
              ]}
            />
          )}
          {now && now.badges.length > 0 && (
            <div className="flex flex-wrap gap-1">
              {now.badges.map((badge) => (
                <Badge key={badge}>{badge}</Badge>
              ))}
            </div>
          )}
        </section>
        <section aria-label="As drawn">
          <h3 className="drawn-label mb-1">as drawn</h3>
          <Facts
            entries={[
              ['address', mono(node.internalIp)],
              ['external', mono(node.externalIp ?? '')],
              ['ssh', mono(`${node.ssh.user}@${node.ssh.address ?? node.internalIp}:${node.ssh.port}`)],
              ['zone', node.zone || '–'],
              ['arch', mono(node.arch)],
              ['id', mono(node.id)],
            ]}
          />
        </section>
      </div>
    </aside>
  );
}
