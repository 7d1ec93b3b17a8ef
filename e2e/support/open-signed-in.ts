import type { Browser, BrowserContext, Page } from '@playwright/test';
import type { SiteplanProcess } from '@/lib/testing/siteplan-process';
import { ADMIN } from './thin-site';
import { watchPage, type PageWatch } from './watch-page';

interface SignedIn {
  readonly context: BrowserContext;
  readonly page: Page;
  /** From before the sign-in on. */
  readonly watch: PageWatch;
}

/** A browser of its own in which the first administrator has signed in by the form and sees the fleet. */
export async function openSignedIn(browser: Browser, siteplan: SiteplanProcess): Promise<SignedIn> {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const watch = watchPage(page);
  await page.goto(`${siteplan.url}/login`);
  await page.getByLabel('E-mail').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${siteplan.url}/`);
  return { context, page, watch };
}
