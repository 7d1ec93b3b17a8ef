import { expect, type Locator, type Page } from '@playwright/test';

/** Works a page as a person without a mouse does: everything is reached by Tab and Shift+Tab, in the page's own order. */
export interface Keyboard {
  /** Tab until the focus is there; fails where it is not reached. */
  readonly tabTo: (target: Locator) => Promise<void>;
  /** Reaches a button that can be used, and presses it. */
  readonly press: (target: Locator) => Promise<void>;
  /** Reaches a field and replaces what stands in it, as a paste does. */
  readonly fill: (target: Locator, text: string) => Promise<void>;
  /** Reaches a closed select and types the first letter of an option. */
  readonly choose: (target: Locator, words: string) => Promise<void>;
}

/** More stops than the longest page has. */
const MAX_STOPS = 300;

/** The key that leads from the focus to an element; null where it has the focus. */
function findKey(element: Element): 'Tab' | 'Shift+Tab' | null {
  const here = document.activeElement;
  if (here === element) return null;
  const isBefore = here && here !== document.body && here.compareDocumentPosition(element) & 2; // PRECEDING
  return isBefore ? 'Shift+Tab' : 'Tab';
}

export function createKeyboard(page: Page): Keyboard {
  const tabTo: Keyboard['tabTo'] = async (target) => {
    await expect(target).toBeVisible();
    for (let stop = 0; stop < MAX_STOPS; stop += 1) {
      const key = await target.evaluate(findKey);
      if (key === null) return;
      await page.keyboard.press(key);
    }
    throw new Error(`Tab does not reach ${String(target)}`);
  };
  return {
    tabTo,
    press: async (target) => {
      await expect(target).not.toHaveAttribute('aria-disabled', 'true');
      await tabTo(target);
      await page.keyboard.press('Enter');
    },
    fill: async (target, text) => {
      await tabTo(target);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText(text);
    },
    choose: async (target, words) => {
      await tabTo(target);
      await page.keyboard.press(words[0] ?? '');
      await expect(target.locator('option:checked')).toContainText(words);
    },
  };
}

/** From the cell of a table with the focus to another one, by arrow keys. */
export async function walkTo(page: Page, cell: Locator): Promise<void> {
  const place = (element: Element) => {
    const at = element.closest('td');
    return { column: at?.cellIndex ?? 0, row: at?.closest('tr')?.rowIndex ?? 0 };
  };
  const goal = await cell.evaluate(place);
  for (let presses = 0; presses < MAX_STOPS; presses += 1) {
    const here = await page.locator(':focus').evaluate(place);
    if (here.row < goal.row) await page.keyboard.press('ArrowDown');
    else if (here.row > goal.row) await page.keyboard.press('ArrowUp');
    else if (here.column < goal.column) await page.keyboard.press('ArrowRight');
    else if (here.column > goal.column) await page.keyboard.press('ArrowLeft');
    else return;
  }
  throw new Error('the arrow keys do not lead to the cell');
}
