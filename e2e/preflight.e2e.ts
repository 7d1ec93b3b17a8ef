import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { exampleLayout } from '@/lib/testing/example-layout';
import { insertPreflight } from '@/lib/testing/factories';
import { Topology } from '@/lib/topology/topology';
import { PreflightView } from '@/lib/run/preflight-view';
import { startLab, type Lab } from './lab/lab';
import type { ApiClient } from './support/api-client';
import { expectAccessible } from './support/axe';
import { toEightHostsResult } from './support/eight-hosts-checks';
import { createManySite, type ManySite } from './support/ha-site';
import { ADMIN, plan, signInByToken, toDatabase } from './support/thin-site';
import { openSignedIn } from './support/open-signed-in';
import type { PageWatch } from './support/watch-page';

test.describe.configure({ mode: 'serial' });

let dataDir = '';
let lab: Lab;
let siteplan: SiteplanProcess;
let api: ApiClient;
let context: BrowserContext;
let page: Page;
let watch: PageWatch;
let site: ManySite;
let planId = '';

const REASON = 'a known deviation of the lab hosts';
const button = (name: string | RegExp) => page.getByRole('button', { name });
const matrix = () => page.getByRole('table', { name: 'Checks by host' });
const checksOf = async () => PreflightView.parse(await api.call('GET', `/sites/${site.siteId}/checks`));

test.beforeAll(async ({ browser }) => {
  dataDir = makeDataDir();
  siteplan = await startSiteplan({
    dataDir,
    env: { SITEPLAN_ADMIN_EMAIL: ADMIN.email, SITEPLAN_ADMIN_PASSWORD: ADMIN.password },
  });
  await waitUntilReady(siteplan);
  ({ api } = await signInByToken(siteplan));
  ({ context, page, watch } = await openSignedIn(browser, siteplan));
});

test.afterAll(async () => {
  await context?.close();
  await siteplan?.stop();
  await lab?.stop();
  if (dataDir) removeDataDir(dataDir);
});

test('eight hosts and every check are usable at 1280 and at 1920', async ({}, info) => {
  const { pattern, nodes, registration, network } = exampleLayout();
  const layout = { pattern, nodes, registration, network };
  const created = (await api.call('POST', '/sites', { name: 'eight-hosts', topology: layout })) as {
    siteId: string;
  };
  const stored = (await api.call('GET', `/sites/${created.siteId}/topology`)) as {
    topology: unknown;
    revision: number;
  };
  const topology = Topology.parse(stored.topology);
  const result = toEightHostsResult(topology, stored.revision, new Date().toISOString());
  await insertPreflight(toDatabase(siteplan), created.siteId, result);
  for (const [width, height] of [
    [1280, 800],
    [1920, 1080],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const theme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await page.goto(`${siteplan.url}/sites/${created.siteId}/preflight`);
      await expect(matrix().locator('td > button').first()).toBeVisible();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await expectAccessible(page, `eight hosts ${theme}`);
      await page.screenshot({ path: info.outputPath(`matrix-${theme}-${width}.png`), fullPage: true });
    }
  }
  // The names of the checks stay in view while the hosts scroll by.
  const head = matrix().getByRole('rowheader').nth(1);
  await page.setViewportSize({ width: 900, height: 800 });
  const left = (await head.boundingBox())?.x;
  await matrix()
    .locator('..')
    .evaluate((element) => (element.scrollLeft = 300));
  expect(
    await matrix()
      .locator('..')
      .evaluate((element) => element.scrollLeft),
  ).toBeGreaterThan(0);
  expect((await head.boundingBox())?.x).toBe(left);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test('the matrix of real hosts fills from one button, and says why each cell is what it is', async () => {
  lab = await startLab({
    name: 'preflight-screen',
    hosts: [
      { name: 'd1', role: 'server' },
      { name: 'd2', role: 'agent' },
    ],
  });
  const more = { pattern: 'custom' as const };
  site = await createManySite(api, {
    name: 'two-hosts',
    hosts: lab.hosts,
    mirrorUrl: 'http://192.0.2.1',
    more,
  });
  // What a host’s firewall does: the supervisor’s port is dropped, so the agent cannot join.
  const rules =
    'add table inet provoked; add chain inet provoked in { type filter hook input priority 0; }; add rule inet provoked in tcp dport 9345 drop';
  await lab.exec('d1', ['nft', rules]);
  await page.goto(`${siteplan.url}/sites/${site.siteId}/preflight`);
  await expect(page.getByText('Nothing was checked yet')).toBeVisible();
  await expectAccessible(page, 'no checks yet');
  await button('Run the checks').click();
  await expect(matrix()).toBeVisible({ timeout: 90_000 });
  const pairs = page.getByRole('table', { name: 'Ports from host to host' });
  const blocked = pairs.getByRole('button', { name: /^from d2 to d1, fails/ });
  await blocked.click();
  const sheet = page.getByRole('dialog', { name: 'From d2 to d1' });
  await expect(sheet.getByText('tcp 9345 blocked')).toBeVisible();
  await expectAccessible(page, 'a pair of hosts');
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await expect(blocked).toBeFocused();
});

test('a red check keeps Apply closed, on the page and in the API', async () => {
  const { reds, checks } = await checksOf().then((view) => ({
    checks: view,
    reds: view.blockers.filter(({ checkId }) => checkId !== null),
  }));
  const link = reds.find(({ nodeName, checkId }) => nodeName === 'd2' && checkId === 'reach-tcp');
  expect(link).toBeDefined();
  // Everything else that is red on a lab host is let pass, so that what follows is about the one check.
  for (const { nodeId, checkId, value } of reds.filter((each) => each !== link)) {
    await api.call('POST', `/sites/${site.siteId}/checks/overrides`, {
      nodeId,
      checkId,
      value,
      reason: REASON,
    });
  }
  expect(checks.refusal).not.toBeNull();
  const planned = await plan(api, site.siteId);
  expect(planned.problems).toEqual([]);
  planId = planned.planId ?? '';
  await expect(api.call('POST', `/plans/${planId}/run`)).rejects.toThrow(/412.*d2 \/ reach-tcp/);
  await page.goto(`${siteplan.url}/sites/${site.siteId}/plan`);
  await expect(page.getByText('Apply is closed')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Failing checks' })).toContainText('d2');
  await expect(button(/^Apply \d+ steps/)).toHaveAttribute('aria-disabled', 'true');
  await expectAccessible(page, 'plan with a red check');
});

test('cells are reached, opened and left by keyboard', async () => {
  await page.getByRole('link', { name: 'Open the matrix' }).click();
  const cells = matrix().locator('td > button');
  await cells.first().focus();
  await page.keyboard.press('ArrowRight');
  await expect(cells.nth(1)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await expect(cells.nth(2)).toBeFocused();
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByText('wanted')).toBeVisible();
  await expectAccessible(page, 'a cell');
  await page.keyboard.press('Escape');
  await expect(cells.nth(2)).toBeFocused();
});

test('only problems are left when only problems are wanted, also in the link', async () => {
  const all = await matrix().getByRole('row').count();
  await page.getByLabel('Only problems').check();
  await expect(page).toHaveURL(/show=problems/);
  await expect.poll(() => matrix().getByRole('row').count()).toBeLessThan(all);
  await page.reload();
  await expect(page.getByLabel('Only problems')).toBeChecked();
  await expect.poll(() => matrix().getByRole('row').count()).toBeLessThan(all);
});

test('a typed reason lets the red check pass, and can be taken back', async () => {
  const cell = matrix().getByRole('button', { name: /^d2, .*tcp.*fails/i });
  await cell.click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Override', exact: true }).click();
  await sheet.getByLabel('Why may this pass?').fill('too short');
  await expect(sheet.getByRole('button', { name: 'Override this check' })).toHaveAttribute(
    'aria-disabled',
    'true',
  );
  await sheet.getByLabel('Why may this pass?').fill('the firewall opens tonight');
  await expectAccessible(page, 'override');
  await sheet.getByRole('button', { name: 'Override this check' }).click();
  await expect(sheet.getByText('the firewall opens tonight')).toBeVisible();
  await expect(cell).toContainText('let pass');
  expect((await checksOf()).refusal).toBeNull();
  await sheet.getByRole('button', { name: 'Take the override back' }).click();
  await expect(sheet.getByRole('button', { name: 'Override', exact: true })).toBeVisible();
  expect((await checksOf()).blockers).toHaveLength(1);
  await page.keyboard.press('Escape');
});

test('one cell again, once its cause is mended, opens Apply', async () => {
  await lab.exec('d1', ['nft', 'delete table inet provoked']);
  const before = await checksOf();
  await page.getByLabel('Only problems').uncheck();
  await matrix()
    .getByRole('button', { name: /^d2, .*tcp.*fails/i })
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Check again', exact: true }).click();
  await expect(matrix().getByRole('button', { name: /^d2, .*tcp.*, ok/i })).toBeVisible({ timeout: 60_000 });
  const after = await checksOf();
  expect(after.blockers).toEqual([]);
  const timesOf = (view: PreflightView, checkId: string) =>
    view.result?.cells.filter((cell) => cell.checkId === checkId).map(({ takenAt }) => takenAt);
  const other = before.result?.cells.find(({ group }) => group === 'machine')?.checkId ?? '';
  expect(timesOf(after, other)).toEqual(timesOf(before, other));
  expect(timesOf(after, 'reach-tcp')).not.toEqual(timesOf(before, 'reach-tcp'));
  await page.goto(`${siteplan.url}/sites/${site.siteId}/plan`);
  await expect(page.getByText('Apply is open')).toBeVisible();
});

test('a topology that changed since makes the checks outdated', async () => {
  await site.edit((topology) => ({ ...topology, notes: 'changed after the checks' }));
  await page.goto(`${siteplan.url}/sites/${site.siteId}/preflight`);
  await expect(page.getByText(/topology is at revision 2, the checks were run for revision 1/)).toBeVisible();
  await expectAccessible(page, 'outdated checks');
});

test('nothing was reported all the way', () => {
  expect(watch.problems).toEqual([]);
});
