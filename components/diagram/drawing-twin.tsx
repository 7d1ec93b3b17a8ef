import type { DisplayList, GroupKind } from '@/lib/diagram/display-list';

const HEADINGS: readonly (readonly [GroupKind, string])[] = [
  ['title-block', 'Title block'],
  ['plate', 'Nodes'],
  ['zone', 'Frames'],
  ['line', 'Connections'],
];

/** The same drawing as lists, for screen readers. */
export function DrawingTwin({ list }: { readonly list: DisplayList }) {
  return (
    <figcaption className="sr-only">
      <p>Drawing of {list.title}</p>
      {HEADINGS.map(([kind, heading]) => {
        const groups = list.groups.filter((group) => group.kind === kind);
        if (groups.length === 0) return null;
        return (
          <section key={kind} aria-label={heading}>
            <ul>
              {groups.map((group) => (
                <li key={group.id}>{group.label}</li>
              ))}
            </ul>
          </section>
        );
      })}
    </figcaption>
  );
}
