/** The five steps of the wizard; each has its URL. */
export const WIZARD_STEPS = [
  { key: 'shape', label: 'Shape' },
  { key: 'hosts', label: 'Hosts' },
  { key: 'network', label: 'Network' },
  { key: 'checks', label: 'Checks' },
  { key: 'plan', label: 'Plan' },
] as const;
export type WizardStep = (typeof WIZARD_STEPS)[number]['key'];

/** The step of a URL's last part, or null. */
export function findStep(text: string | undefined): WizardStep | null {
  return WIZARD_STEPS.find((step) => step.key === text)?.key ?? null;
}

/** The step before or after, or null at the ends. */
export function toNeighbour(step: WizardStep, offset: 1 | -1): WizardStep | null {
  const index = WIZARD_STEPS.findIndex((each) => each.key === step);
  return WIZARD_STEPS[index + offset]?.key ?? null;
}

export interface Progress {
  readonly hasName: boolean;
  readonly nodes: number;
  /** The schema refuses nothing and no rule says error. */
  readonly isBuildable: boolean;
  readonly problems: number;
  readonly unapprovedKeys: number;
}

/** Why a step cannot be entered yet, in words; null when it can. Going back is always possible. */
export function whyClosed(step: WizardStep, progress: Progress): string | null {
  switch (step) {
    case 'shape':
      return null;
    case 'hosts':
      return progress.hasName ? null : 'Give the site a name first.';
    case 'network':
      return whyClosed('hosts', progress) ?? (progress.nodes > 0 ? null : 'Add a host first.');
    case 'checks':
    case 'plan': {
      const earlier = whyClosed('network', progress);
      if (earlier) return earlier;
      if (!progress.isBuildable) {
        return `Settle ${progress.problems === 1 ? 'the problem' : `the ${progress.problems} problems`} beside the drawing first.`;
      }
      if (progress.unapprovedKeys > 0) return 'Approve the host keys under Hosts first.';
      return null;
    }
  }
}
