import { readFileSync } from 'node:fs';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { startLab, type Lab } from './lab/lab';
import { labPatterns } from './lab/patterns';
import { expectAccessible } from './support/axe';
import { createKeyboard, walkTo, type Keyboard } from './support/keyboard';
import { openSignedIn } from './support/open-signed-in';
import { ADMIN } from './support/thin-site';
import type { PageWatch } from './support/watch-page';

test.describe.configure({ mode: 'serial' });

let dataDir = '';
let lab: Lab;
let mirrorUrl = '';
let siteplan: SiteplanProcess;
let context: BrowserContext;
let page: Page;
let watch: PageWatch;
let keys: Keyboard;

/** Six of the eight, to keep it short: two more agents stand in `e2e/ha.lab.test.ts`. */
const hosts = (labPatterns['ha'] ?? []).filter(({ name }) => !['a2', 'a3'].includes(name));
const RUN_LIMIT_MS = 280_000;
const REASON = 'the route goes away tonight';
const button = (name: string | RegExp) => page.getByRole('button', { name });
const step = (name: string) => page.getByRole('region', { name: `New site, ${name}` });
const matrix = () => page.getByRole('table', { name: 'Checks by host' });

test.beforeAll(async ({ browser }) => {
  dataDir = makeDataDir();
  lab = await startLab({ name: 'ha-browser', hosts });
  mirrorUrl = await lab.startMirror();
  siteplan = await startSiteplan({
    dataDir,
    env: {
      SITEPLAN_ADMIN_EMAIL: ADMIN.email,
      SITEPLAN_ADMIN_PASSWORD: ADMIN.password,
    },
  });
  await waitUntilReady(siteplan);
  ({ context, page, watch } = await openSignedIn(browser, siteplan));
  keys = createKeyboard(page);
});

test.afterAll(async () => {
  await context?.close();
  await siteplan?.stop();
  await lab?.stop();
  if (dataDir) removeDataDir(dataDir);
});

test('without a mouse: hosts are pasted, get their roles, one credential, and their keys approved', async () => {
  await keys.press(page.getByRole('link', { name: 'New site' }));
  await expect(page.getByLabel('Name')).toBeFocused();
  await page.keyboard.type('ha-site');
  await keys.tabTo(page.getByRole('radio', { name: /^One server/ }));
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('radio', { name: 'Highly available' })).toBeChecked();
  await keys.press(button('Continue to Hosts'));
  await expect(step('Hosts')).toBeFocused();

  await keys.fill(page.getByLabel('Paste hosts'), lab.hosts.map(({ address }) => address).join('\n'));
  await keys.press(button(`Add ${lab.hosts.length} hosts`));
  const rows = page.getByRole('list', { name: 'Hosts' });
  const read = (label: string) =>
    rows
      .getByLabel(label, { exact: true })
      .evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).value)); // inputs and selects
  expect(await read('Role')).toEqual(lab.hosts.map(({ role }) => role));
  expect(await read('Name')).toEqual(lab.hosts.map(({ name }) => name));

  await keys.tabTo(page.getByLabel('Credential').first());
  await page.keyboard.press('n'); // New credential…
  const dialog = page.getByRole('dialog');
  await keys.fill(dialog.getByLabel('Name'), 'lab key');
  const privateKey = readFileSync(lab.hosts[0]?.privateKeyPath ?? '', 'utf8');
  await keys.fill(dialog.getByRole('textbox', { name: 'Private key' }), privateKey);
  await keys.press(dialog.getByRole('button', { name: 'Add the credential' }));
  await expect(dialog).toBeHidden();
  await keys.press(button(`Sign in to the ${lab.hosts.length - 1} others the same way`));
  await keys.press(button(`Read ${lab.hosts.length} host keys`));
  for (const { hostKeyFingerprint } of lab.hosts)
    await expect(page.getByText(hostKeyFingerprint)).toBeVisible({
      timeout: 60_000,
    });
  for (const [index] of lab.hosts.entries()) {
    await keys.press(button('Approve').first());
    await expect(page.getByText('approved', { exact: true })).toHaveCount(index + 1);
  }
  await expectAccessible(page, 'hosts of a highly available site');
});

test('without a mouse: virtual IP and mirror', async () => {
  await keys.press(button('Continue to Network'));
  await expect(step('Network')).toBeFocused();
  await keys.choose(page.getByLabel('Release files come from'), 'a mirror');
  await keys.fill(page.getByLabel('Mirror URL'), mirrorUrl);
  await keys.fill(page.getByLabel('Virtual IP', { exact: true }), lab.vip);
  await keys.fill(page.getByLabel('Interface of the load balancers'), 'host0');
});

test('without a mouse: the checks run live, and what is red passes for a typed reason only', async () => {
  const red = ['s3', 'a1'];
  const route =
    'ip link add provoked type veth peer name provoked-peer; ip link set provoked up; ip route add 10.43.9.0/24 dev provoked';
  for (const name of red) await lab.exec(name, ['sh', '-ec', route]);
  await keys.press(button('Continue to Checks'));
  await expect(step('Checks')).toBeFocused();
  await expect(step('Checks').getByRole('status').first()).toBeVisible();
  await expect(matrix()).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole('status', { name: 'Counts' })).toContainText('2 fail');
  await expect(button('Run all checks again')).not.toHaveAttribute('aria-busy', 'true');
  for (const name of red) {
    const cell = matrix().getByRole('button', {
      name: new RegExp(`^${name}, .*fails`),
    });
    await keys.tabTo(matrix().locator('td > button[tabindex="0"]'));
    await walkTo(page, cell);
    await page.keyboard.press('Enter');
    const sheet = page.getByRole('dialog');
    await expect(sheet.getByText('10.43.9.0/24 by provoked').first()).toBeVisible();
    await keys.press(sheet.getByRole('button', { name: 'Override', exact: true }));
    await expect(sheet.getByLabel('Why may this pass?')).toBeFocused();
    await page.keyboard.type(REASON);
    await keys.press(sheet.getByRole('button', { name: 'Override this check' }));
    await expect(sheet.getByText(REASON)).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(cell).toBeFocused();
    await expect(cell).toContainText('let pass');
  }
  await expectAccessible(page, 'checks of a highly available site');
});

test('without a mouse: the plan shows order and differences, and Apply names what it does', async () => {
  await keys.press(button('Continue to Plan'));
  await expect(step('Plan')).toBeFocused();
  const steps = page.getByRole('table', { name: 'Steps in their order' });
  await expect(steps).toBeVisible({ timeout: 60_000 });
  await expect(button(/^Apply \d+ steps to/)).not.toHaveAttribute('aria-disabled', 'true');
  const order = await steps.locator('th[scope="rowgroup"]').allTextContents();
  expect([...new Set(order)].slice(0, 2)).toEqual(['lb1', 'lb2']);
  await keys.press(steps.getByRole('button', { name: 'Write /etc/rancher/rke2/config.yaml' }).first());
  await expect(
    page.getByText(new RegExp(`^\\+ .*${lab.vip.replaceAll('.', '\\.')}"?$`)).first(),
  ).toBeVisible();
  await expectAccessible(page, 'plan of a highly available site');
  await keys.press(
    button(`Apply ${await steps.getByRole('button').count()} steps to ${lab.hosts.length} hosts`),
  );
  await page.waitForURL(/\/runs\/r-/);
});

test('the run shows a lane per host and how far it is, until it is done', async () => {
  test.setTimeout(RUN_LIMIT_MS + 60_000);
  const lanes = page.getByRole('group', { name: 'Steps on the time axis' });
  await expect(page.locator('summary', { hasText: '2 failing checks overridden' })).toBeVisible();
  await expect.poll(() => lanes.locator('rect').count()).toBeGreaterThan(5);
  await page.setViewportSize({ width: 400, height: 800 });
  await expect(page.getByRole('banner').getByRole('link', { name: /^1 run ?, \d+ of \d+$/ })).toBeVisible();
  const over = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(await over()).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(page.getByText(/^[34]\d of \d+ steps$/)).toBeVisible({
    timeout: RUN_LIMIT_MS,
  });
  await expect(page.getByText('run ended: done')).toBeVisible({
    timeout: RUN_LIMIT_MS,
  });
  const heights = await lanes.locator('rect').evaluateAll((bars) => bars.map((bar) => bar.getAttribute('y')));
  expect(new Set(heights).size).toBe(lab.hosts.length);
  await expectAccessible(page, 'run over all hosts');
});

test('the drawing shows every node healthy', async () => {
  await page.getByRole('link', { name: 'Open the drawing' }).click();
  await expect(page.getByText('etcd leader').first()).toBeVisible({
    timeout: 60_000,
  });
  for (const { address } of lab.hosts)
    await expect(page.getByText(address, { exact: true }).first()).toBeVisible();
  await page.getByRole('link', { name: 'Nodes', exact: true }).click();
  const nodes = page.getByRole('table', { name: 'Nodes' });
  await expect(nodes.getByText('healthy', { exact: true })).toHaveCount(lab.hosts.length, {
    timeout: 90_000,
  });
  await expectAccessible(page, 'nodes of a highly available site');
});

test('kubectl reaches the API through the virtual IP with the file that the browser saved', async () => {
  await page.getByRole('link', { name: 'Topology', exact: true }).click();
  await button('Export').click();
  await page.keyboard.press('Escape');
  await button('Kubeconfig').click();
  const save = page.getByRole('dialog').getByRole('button', { name: 'Download' });
  await expect(save).toBeVisible();
  await expect(save).not.toHaveAttribute('aria-busy', 'true', {
    timeout: 60_000,
  });
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  const kubeconfig = readFileSync(await download.path(), 'utf8');
  expect(kubeconfig).toContain(`server: https://${lab.vip}:6443`);
  expect(watch.responses.join('\n')).not.toContain('client-key-data');
  await page.keyboard.press('Escape');
  const command = 'cat > /run/kubeconfig; kubectl --kubeconfig /run/kubeconfig get --raw /readyz';
  expect((await lab.exec('lb2', ['sh', '-c', command], { input: kubeconfig })).stdout).toBe('ok');
});

test('the same again plans empty', async () => {
  await page.getByRole('link', { name: 'Plan changes' }).click();
  await page.waitForURL(/\/plan$/);
  const plan = page.getByRole('region', { name: 'Plan' });
  await plan
    .getByRole('button', { name: /^(Make a plan|Plan again)$/ })
    .first()
    .click();
  await expect(plan.getByText('Nothing to do')).toBeVisible({
    timeout: 60_000,
  });
});

test('nothing was reported all the way', () => {
  expect(watch.problems).toEqual([]);
});
