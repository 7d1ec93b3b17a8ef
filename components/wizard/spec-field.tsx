'use client';
import { toPathText } from '@/lib/topology/edit-topology';
import { Field } from '@/components/ui/field';
import { Checkbox, Input, Select, Textarea } from '@/components/ui/input';
import { findingsAt } from './check-document';
import { readAt } from './document';
import { choose } from './field-spec';
import type { FieldSpec } from './network-groups';
import { FindingLine } from './findings-panel';
import type { Wizard } from './use-wizard';

interface Props {
  readonly spec: FieldSpec;
  readonly wizard: Wizard;
}

/** One field of the document with what schema and rules say to it. */
export function SpecField({ spec, wizard }: Props) {
  const path = toPathText(spec.path);
  const findings = findingsAt(wizard.check.findings, path, spec.kind === 'lines');
  const aside = findings.map((finding) => (
    <FindingLine key={finding.ruleId} finding={finding} onFix={wizard.applyFix} />
  ));
  if (spec.kind === 'switch') {
    return (
      <div>
        <Checkbox
          label={spec.label}
          help={spec.help}
          checked={readAt(wizard.draft.document, spec.path) === true}
          onChange={(event) => wizard.setField(spec.path, event.target.checked)}
        />
        {aside}
      </div>
    );
  }
  const inList = [...wizard.check.issues].find(([at]) => at.startsWith(`${path}[`))?.[1];
  return (
    <Field label={spec.label} help={spec.help} error={wizard.check.issues.get(path) ?? inList} aside={aside}>
      {(ids) => <Control {...ids} spec={spec} wizard={wizard} />}
    </Field>
  );
}

function Control({ spec, wizard, ...ids }: Props & { readonly id: string }) {
  const value = readAt(wizard.draft.document, spec.path);
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  switch (spec.kind) {
    case 'choice':
      return (
        <Select
          {...ids}
          value={text}
          onChange={(event) =>
            wizard.update({ document: choose(wizard.draft.document, spec, event.target.value) })
          }
        >
          {!spec.choices?.some((each) => each.value === text) && <option value={text}>{text}</option>}
          {spec.choices?.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
        </Select>
      );
    case 'lines':
      return (
        <Textarea
          {...ids}
          isMono
          rows={3}
          defaultValue={Array.isArray(value) ? value.join('\n') : ''}
          onChange={(event) => wizard.setField(spec.path, event.target.value.split(/[\s,]+/).filter(Boolean))}
        />
      );
    case 'number':
      return (
        <Input
          {...ids}
          isMono
          inputMode="numeric"
          unit={spec.unit}
          value={text}
          onChange={(event) => {
            const typed = event.target.value.trim();
            wizard.setField(
              spec.path,
              typed === '' && spec.isOptional ? undefined : /^\d+$/.test(typed) ? Number(typed) : typed,
            );
          }}
        />
      );
    default:
      return (
        <Input
          {...ids}
          isMono
          placeholder={spec.placeholder}
          value={text}
          onChange={(event) =>
            wizard.setField(spec.path, event.target.value.trim() || (spec.isOptional ? undefined : ''))
          }
        />
      );
  }
}
