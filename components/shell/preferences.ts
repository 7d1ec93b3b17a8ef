/** Settings of the look, kept in cookies so that the server paints the first frame right. They hold no secret. */
export const PREFERENCE_COOKIES = {
  theme: 'siteplan-theme',
  clock: 'siteplan-clock',
  rail: 'siteplan-rail',
} as const;

export type ThemeChoice = 'system' | 'light' | 'dark';

export interface Preferences {
  readonly theme: ThemeChoice;
  readonly isUtc: boolean;
  readonly isRailNarrow: boolean;
}

/** Preferences from cookies; anything unknown is the default. */
export function toPreferences(read: (name: string) => string | undefined): Preferences {
  const theme = read(PREFERENCE_COOKIES.theme);
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    isUtc: read(PREFERENCE_COOKIES.clock) === 'utc',
    isRailNarrow: read(PREFERENCE_COOKIES.rail) === 'narrow',
  };
}

/** Remembers a preference for a year; called in the browser. */
export function storePreference(name: keyof typeof PREFERENCE_COOKIES, value: string): void {
  document.cookie = `${PREFERENCE_COOKIES[name]}=${value}; path=/; max-age=31536000; samesite=lax`;
}

/** Changes the theme of the page at once; `system` follows the machine. */
export function applyTheme(theme: ThemeChoice): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  storePreference('theme', theme);
}
