/** The colour tokens. `app/globals.css` defines the same values for the browser; a test holds both together. */
export const INKS = [
  'paper',
  'paper-raised',
  'grid',
  'line',
  'ink',
  'ink-soft',
  'accent',
  'healthy',
  'degraded',
  'down',
  'stale',
  'provisioning',
] as const;
export type Ink = (typeof INKS)[number];
export type Theme = 'light' | 'dark';

/** Light is white paper and what prints; dark is a blueprint. */
export const THEMES: Readonly<Record<Theme, Readonly<Record<Ink, string>>>> = {
  light: {
    paper: 'oklch(0.985 0.003 250)',
    'paper-raised': 'oklch(1 0 0)',
    grid: 'oklch(0.93 0.009 250)',
    line: 'oklch(0.62 0.03 255)',
    ink: 'oklch(0.25 0.04 262)',
    'ink-soft': 'oklch(0.46 0.03 258)',
    accent: 'oklch(0.45 0.16 262)',
    healthy: 'oklch(0.49 0.085 172)',
    degraded: 'oklch(0.52 0.108 68)',
    down: 'oklch(0.52 0.19 27)',
    stale: 'oklch(0.5 0.015 260)',
    provisioning: 'oklch(0.5 0.115 240)',
  },
  dark: {
    paper: 'oklch(0.235 0.045 258)',
    'paper-raised': 'oklch(0.275 0.05 258)',
    grid: 'oklch(0.315 0.05 258)',
    line: 'oklch(0.58 0.055 255)',
    ink: 'oklch(0.945 0.014 240)',
    'ink-soft': 'oklch(0.775 0.032 245)',
    accent: 'oklch(0.85 0.1 212)',
    healthy: 'oklch(0.8 0.125 168)',
    degraded: 'oklch(0.83 0.135 82)',
    down: 'oklch(0.715 0.165 24)',
    stale: 'oklch(0.75 0.015 255)',
    provisioning: 'oklch(0.745 0.115 266)',
  },
};
