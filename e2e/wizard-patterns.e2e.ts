import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { expectAccessible } from './support/axe';
import { ADMIN } from './support/thin-site';
import { openSignedIn } from './support/open-signed-in';
import type { PageWatch } from './support/watch-page';

test.describe.configure({ mode: 'serial' });

let dataDir = '';
let siteplan: SiteplanProcess;
let context: BrowserContext;
let page: Page;
let watch: PageWatch;

test.beforeAll(async ({ browser }) => {
  dataDir = makeDataDir();
  siteplan = await startSiteplan({
    dataDir,
    env: { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password },
  });
  await waitUntilReady(siteplan);
  ({ context, page, watch } = await openSignedIn(browser, siteplan));
});

test.afterAll(async () => {
  await context?.close();
  await siteplan?.stop();
  if (dataDir) removeDataDir(dataDir);
});

const button = (name: string | RegExp) => page.getByRole('button', { name });
const hosts = (): Locator => page.getByRole('list', { name: 'Hosts' });

async function startSite(name: string, pattern: string): Promise<void> {
  await page.goto(`${siteplan.url}/sites/new/shape`);
  await page.getByLabel('Name').fill(name);
  await page.getByRole('radio', { name: pattern }).check();
}

async function paste(text: string, count: number): Promise<void> {
  await page.getByLabel('Paste hosts').fill(text);
  await button(`Add ${count} hosts`).click();
}

test('highly available: eight addresses become servers, agents and load balancers with a virtual IP', async () => {
  await startSite('ha-site', 'Highly available');
  await expectAccessible(page, 'shape with patterns');
  await button('Continue to Hosts').click();
  await paste('192.168.10.11-18', 8);
  const roles = await hosts()
    .getByLabel('Role')
    .evaluateAll((selects) => selects.map((select) => (select as HTMLSelectElement).value)); // they are selects
  expect(roles).toEqual(['server', 'server', 'server', 'agent', 'agent', 'agent', 'lb', 'lb']);
  for (const width of [1000, 400]) {
    await page.setViewportSize({ width, height: 800 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `hosts at ${width}`).toBeLessThanOrEqual(0);
  }
  await expectAccessible(page, 'hosts in a narrow window');
  await page.setViewportSize({ width: 1280, height: 800 });
  await button('Continue to Network').click();
  await expect(page.getByText('Agents join by a virtual IP, but none is entered.').first()).toBeVisible();
  await page.getByLabel('Virtual IP', { exact: true }).fill('192.168.10.10');
  await page.getByLabel('Interface of the load balancers').fill('eth0');
  await page.getByLabel('DNS name of the API').fill('k8s.example.net');
  await page.getByLabel('More names of the API server').fill('api.example.net');
  await expect(page.getByText('Agents join by a virtual IP, but none is entered.')).toHaveCount(0);
  await expect(page.getByText('keepalived must know')).toHaveCount(0);
  await expectAccessible(page, 'network of a highly available site');
});

test('a network in the way is told at its field, and the offered fix settles it', async () => {
  await page.getByLabel('Service network').fill('10.42.128.0/17');
  await expect(page.getByText('overlaps with the pod network 10.42.0.0/16').first()).toBeVisible();
  await button('Use 10.43.0.0/16').first().click();
  await expect(page.getByLabel('Service network')).toHaveValue('10.43.0.0/16');
  await expect(page.getByText('overlaps with the pod network')).toHaveCount(0);
  await page.getByLabel('Virtual IP', { exact: true }).fill('192.168.10.300');
  await expect(page.getByText('not an IPv4 address').first()).toBeVisible();
});

test('edge: one server and two agents on the tailnet, with tags and slower timers', async () => {
  await startSite('edge-site', 'Edge');
  await button('Continue to Hosts').click();
  await page.getByLabel('Paste hosts').fill('s1 100.64.1.10\nS2 100.64.1.11');
  await expect(page.getByText('lowercase letters, digits and dashes, at most 63')).toBeVisible();
  await expect(button('Add hosts')).toBeDisabled();
  await paste('100.64.1.10\n100.64.1.13\n100.64.1.14', 3);
  await button('Continue to Network').click();
  await expect(page.getByLabel('Slower timers')).toBeChecked();
  await expect(page.getByLabel('Virtual IP', { exact: true })).toHaveCount(0);
  await page.getByLabel('Hosts talk over Tailscale').check();
  await page.getByLabel('Tailscale tags').fill('tag:edge');
  await expectAccessible(page, 'network of an edge site');
});

test('nothing on the way complained', () => {
  expect(watch.problems).toEqual([]);
});
