'use client';
import { toCount } from '@/lib/core/text';
import { Panel } from '@/components/ui/panels';
import { countNonDefaults, isShown } from './field-spec';
import { NETWORK_GROUPS } from './network-groups';
import type { FieldGroup } from './network-groups';
import { SpecField } from './spec-field';
import type { Wizard } from './use-wizard';

/** Step 3: release, registration, addresses, Cilium, edge; what is seldom changed is folded. */
export function NetworkStep({ wizard }: { readonly wizard: Wizard }) {
  return (
    <div className="flex flex-col gap-4">
      {NETWORK_GROUPS.map((group) => (
        <Group key={group.title} group={group} wizard={wizard} />
      ))}
    </div>
  );
}

function Group({ group, wizard }: { readonly group: FieldGroup; readonly wizard: Wizard }) {
  const { document } = wizard.draft;
  const changed = countNonDefaults(group.advanced, document);
  return (
    <Panel label={group.title}>
      <div className="grid grid-cols-1 items-start gap-4 p-3 lg:grid-cols-2">
        {group.fields
          .filter((spec) => isShown(spec, document))
          .map((spec) => (
            <SpecField key={spec.path.join('.')} spec={spec} wizard={wizard} />
          ))}
      </div>
      <details className="border-t border-grid">
        <summary className="px-3 py-2 text-soft hover:text-ink">
          More, {changed === 0 ? 'all as by default' : `${toCount(changed, 'field')} not as by default`}
        </summary>
        <div className="grid grid-cols-1 items-start gap-4 p-3 pt-1 lg:grid-cols-2">
          {group.advanced
            .filter((spec) => isShown(spec, document))
            .map((spec) => (
              <SpecField key={spec.path.join('.')} spec={spec} wizard={wizard} />
            ))}
        </div>
      </details>
    </Panel>
  );
}
