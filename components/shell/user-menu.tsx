'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { ActionResult } from '@/lib/core/action-result';
import { notify } from '@/components/ui/announcer';
import { Button } from '@/components/ui/button';
import { Menu, MenuChoice, MenuItem, MenuSeparator, MenuText } from '@/components/ui/menu';
import { applyTheme, storePreference } from './preferences';
import type { ThemeChoice } from './preferences';

export interface UserMenuProps {
  readonly userName: string;
  readonly email: string;
  readonly theme: ThemeChoice;
  readonly isUtc: boolean;
  readonly signOut: () => Promise<ActionResult<{ next: string }>>;
}

const THEME_CHOICES = [
  { value: 'system', label: 'As the system' },
  { value: 'dark', label: 'Dark, blueprint' },
  { value: 'light', label: 'Light, paper' },
] as const;
const CLOCK_CHOICES = [
  { value: 'local', label: 'Local time' },
  { value: 'utc', label: 'UTC' },
] as const;

/** Who is signed in; theme, clock, sign out. */
export function UserMenu(props: UserMenuProps) {
  const router = useRouter();
  const [theme, setTheme] = useState<ThemeChoice>(props.theme);
  const leave = async () => {
    const result = await props.signOut();
    if (!result.ok) return notify(result.error.message, 'down');
    window.location.assign(result.value.next);
  };
  return (
    <Menu
      trigger={
        <Button look="quiet" className="max-sm:px-1">
          <span className="max-w-60 truncate max-sm:max-w-16">{props.userName || props.email}</span>
        </Button>
      }
    >
      <MenuText>{props.email}</MenuText>
      <MenuSeparator />
      <MenuChoice
        label="theme"
        value={theme}
        choices={THEME_CHOICES}
        onChange={(value) => {
          const choice = THEME_CHOICES.find((each) => each.value === value)?.value ?? 'system';
          applyTheme(choice);
          setTheme(choice);
        }}
      />
      <MenuChoice
        label="clock"
        value={props.isUtc ? 'utc' : 'local'}
        choices={CLOCK_CHOICES}
        onChange={(value) => {
          storePreference('clock', value);
          router.refresh();
        }}
      />
      <MenuSeparator />
      <MenuItem onSelect={() => router.push('/settings')}>Profile and password</MenuItem>
      <MenuItem onSelect={() => void leave()}>Sign out</MenuItem>
    </Menu>
  );
}
