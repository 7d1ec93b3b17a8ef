import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Page } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Fails when axe finds anything against WCAG 2.2 A or AA on the page as it stands. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // By the debugger's evaluate, not a script element: the page's own policy would refuse that.
  await page.evaluate(AXE);
  const result = await page.evaluate<AxeResult>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
  );
  const found = result.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}`,
  );
  expect(found, `axe on ${where}`).toEqual([]);
}
