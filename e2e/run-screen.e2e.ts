import { readFileSync, renameSync } from 'node:fs';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { startLab, type Lab, type LabHost } from './lab/lab';
import { serveArtifacts } from './lab/rke2/artifact-server';
import { buildArtifacts } from './lab/rke2/artifacts';
import type { ApiClient } from './support/api-client';
import { expectAccessible } from './support/axe';
import { insertFloodedRun } from './support/flooded-run';
import { freezeDatabase } from './support/freeze-database';
import { ADMIN, passChecks, plan, queryDatabase, signInByToken, toThinTopology } from './support/thin-site';
import { openSignedIn } from './support/open-signed-in';
import type { PageWatch } from './support/watch-page';

test.describe.configure({ mode: 'serial' });

const MIB = 2 ** 20;
let dataDir = '';
let lab: Lab;
let host: LabHost;
let mirror: Awaited<ReturnType<typeof serveArtifacts>>;
let siteplan: SiteplanProcess;
let api: ApiClient;
let context: BrowserContext;
let page: Page;
let watch: PageWatch;
let siteId = '';

test.beforeAll(async ({ browser }) => {
  dataDir = makeDataDir();
  lab = await startLab({ name: 'screens', hosts: [{ name: 's1' }] });
  const [first] = lab.hosts;
  if (!first) throw new Error('the lab has no host');
  host = first;
  await buildArtifacts(`${lab.dir}/artifacts`);
  mirror = await serveArtifacts(`${lab.dir}/artifacts`, lab.gateway);
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
  await mirror?.close();
  await lab?.stop();
  if (dataDir) removeDataDir(dataDir);
});

const button = (name: string | RegExp) => page.getByRole('button', { name });

test('a known_hosts file approves what it names, and says what became of each line', async () => {
  const privateKey = readFileSync(host.privateKeyPath, 'utf8');
  const { id } = (await api.call('POST', '/credentials', { kind: 'key', name: 'lab', privateKey })) as {
    id: string;
  };
  const topology = toThinTopology(host, mirror.url, id);
  ({ siteId } = (await api.call('POST', '/sites', { name: 'screens', topology })) as { siteId: string });
  const publicKey = readFileSync(`${lab.rootOf('s1')}/etc/ssh/ssh_host_ed25519_key.pub`, 'utf8');
  const [algorithm = '', key = ''] = publicKey.split(' ');
  await page.goto(`${siteplan.url}/sites/${siteId}/settings`);
  await button('Import known_hosts').click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page, 'known_hosts dialog');
  await dialog
    .getByLabel('known_hosts', { exact: true })
    .fill(
      `${host.address} ${algorithm} ${key}\nother.example ${algorithm} ${key}\n@cert-authority * ${algorithm} ${key}\n`,
    );
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(dialog.getByText('1 key approved')).toBeVisible();
  await expect(dialog.getByText(host.hostKeyFingerprint)).toBeVisible();
  await expect(dialog.getByText('1 line refused')).toBeVisible();
  await expect(dialog.getByText('1 line about no host of this site: 2.')).toBeVisible();
  await expectAccessible(page, 'known_hosts result');
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();
  const keys = page.getByRole('region', { name: 'host keys' });
  await expect(keys.getByText('approved', { exact: true })).toBeVisible();
  await expect(keys.getByText(host.hostKeyFingerprint)).toBeVisible();
});

test('another key of the host stops the site until a person approves it anew', async () => {
  const renew = `ssh-keygen -q -t ed25519 -N '' -f new && mv new ssh_host_ed25519_key && mv new.pub ssh_host_ed25519_key.pub`;
  await lab.exec('s1', ['sh', '-c', `cd /etc/ssh && ${renew} && systemctl restart ssh`]);
  const keys = page.getByRole('region', { name: 'host keys' });
  await keys.getByRole('button', { name: 'Read them again' }).click();
  const changed = keys.getByRole('alert');
  await expect(changed.getByText('host key changed: nothing runs on this host')).toBeVisible();
  await expect(changed.getByText(host.hostKeyFingerprint)).toBeVisible();
  await expect(changed.getByText(/^first seen/)).toBeVisible();
  await expectAccessible(page, 'changed host key');
  await changed.getByRole('button', { name: 'Approve the new key of s1' }).click();
  await expect(keys.getByText('approved', { exact: true })).toBeVisible();
  await expect(changed).toHaveCount(0);
  await expect(keys.getByText(host.hostKeyFingerprint)).toHaveCount(0);
});

test('an approval is taken back once its host is typed, and given again', async () => {
  const keys = page.getByRole('region', { name: 'host keys' });
  await keys.getByRole('button', { name: 'Revoke the key of s1' }).click();
  const dialog = page.getByRole('dialog', { name: 'Revoke the key of s1' });
  await expectAccessible(page, 'revoke a host key');
  await dialog.getByLabel('Type s1 to go on').fill('s1');
  await dialog.getByRole('button', { name: 'Revoke the key' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(keys.getByText('host key not read yet')).toBeVisible();
  await keys.getByRole('button', { name: 'Read them again' }).click();
  await keys.getByRole('button', { name: 'Approve the key of s1' }).click();
  await expect(keys.getByText('approved', { exact: true })).toBeVisible();
});

test('bastions are put on the way in the settings, in the order of the way', async () => {
  const access = page.getByRole('region', { name: 'ssh access' });
  await access.getByRole('button', { name: 'Go through a bastion' }).click();
  await access.getByLabel('Bastion address').fill('192.0.2.77');
  await access.getByRole('button', { name: 'Put another bastion in front' }).click();
  await access.getByLabel('Bastion address').first().fill('198.51.100.7');
  await expect(access.getByLabel('Bastion address').last()).toHaveValue('192.0.2.77');
  await expectAccessible(page, 'site settings with bastions');
  await access.getByRole('button', { name: 'Store the access' }).click();
  const keys = page.getByRole('region', { name: 'host keys' });
  await expect(keys.getByText('bastion 198.51.100.7:22')).toBeVisible();
  await expect(keys.getByText('bastion 192.0.2.77:22')).toBeVisible();
  await access.getByRole('button', { name: 'Remove bastion 2 of s1' }).click();
  await access.getByRole('button', { name: 'Remove bastion 1 of s1' }).click();
  await access.getByRole('button', { name: 'Store the access' }).click();
  await expect(keys.getByText('bastion 192.0.2.77:22')).toHaveCount(0);
});

test('after failures a person retries one step, skips another with a reason, and the screen says so', async () => {
  await passChecks(api, siteId);
  const { planId, problems } = await plan(api, siteId);
  expect(problems).toEqual([]);
  const { plan: made } = (await api.call('GET', `/plans/${planId}`)) as {
    plan: { steps: { params: { path?: string } }[] };
  };
  const paths = made.steps.flatMap(({ params }) => params.path ?? []);
  const path = paths.find((each) => each.startsWith('/etc/systemd/networkd.conf.d/')) ?? '';
  // Two causes, one after the other: a mirror without its files, and a directory where a file belongs.
  renameSync(`${lab.dir}/artifacts`, `${lab.dir}/away`);
  const { id: runId } = (await api.call('POST', `/plans/${planId}/run`)) as { id: string };
  await page.goto(`${siteplan.url}/runs/${runId}`);
  const ended = page.getByRole('alert', { name: 'How the run ended' });
  await expect(ended.getByText('cause download-failed')).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page, 'failed run');
  renameSync(`${lab.dir}/away`, `${lab.dir}/artifacts`);
  await lab.exec('s1', ['mkdir', '-p', path]);
  await ended.getByRole('button', { name: 'Retry from the failed step' }).click();

  await expect(ended.getByText(`${path} is a directory`)).toBeVisible({ timeout: 60_000 });
  await expect(ended.getByText('cause step-exit')).toBeVisible();
  await ended.getByRole('button', { name: 'Skip this step…' }).click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page, 'skip dialog');
  const skip = dialog.getByRole('button', { name: 'Skip this step' });
  await dialog.getByLabel('Why it may be left out').fill('too short');
  await expect(skip).toHaveAttribute('aria-disabled', 'true');
  await dialog.getByLabel('Why it may be left out').fill('networkd does not run on this host');
  await skip.click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText('run ended: done')).toBeVisible({ timeout: 90_000 });
  await expect(ended).toHaveCount(0);
  await expect(page.getByText(/1 step left out, so revision \d+ does not count as applied/)).toBeVisible();
  await expect(page.getByText(/skipped by .*: networkd does not run on this host/)).toBeVisible();
  await expectAccessible(page, 'run with a skipped step');
});

test('a log of 100 MB is read in parts, searched whole, and the tab stays small (I9)', async () => {
  const { topology } = (await api.call('GET', `/sites/${siteId}/topology`)) as {
    topology: { nodes: { id: string }[] };
  };
  const flood = await insertFloodedRun(siteplan, siteId, topology.nodes[0]?.id ?? '', 100 * MIB);
  const debug = await context.newCDPSession(page);
  await debug.send('Performance.enable');
  const readHeapBytes = async () => {
    const { metrics } = await debug.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Infinity;
  };
  const list = page.getByLabel('Lines of the log');
  await page.goto(`${siteplan.url}/runs/${flood.runId}`);
  await button('All steps, one log').click();
  await expect(list.getByText('run ended: failed')).toBeVisible();
  // Wrapped, each line is higher than it was taken for; the end stays where it is seen.
  for (const isWrapped of [true, false]) {
    await page.getByLabel('Wrap').setChecked(isWrapped);
    await expect(list.getByText('run ended: failed')).toBeInViewport();
  }

  // Upwards: each edge brings more, and what stood in view stays there.
  for (let turn = 0; turn < 4; turn += 1) {
    const first = await list.locator('[data-index]').first().textContent();
    await list.evaluate((element) => element.scrollTo({ top: 0 }));
    await expect(list).toHaveAttribute('aria-busy', 'false');
    await expect(list.locator('[data-index]').first()).not.toHaveText(first ?? '');
  }
  await expect(page.getByText('a part of the log')).toBeVisible();

  await page.getByLabel('Search in the log').fill(flood.needle);
  await button('Find in the whole log').click();
  const found = list.getByText(flood.needle);
  await expect(found).toBeInViewport();
  await expect(page.getByText('1 of 1 here')).toBeVisible();
  await expectAccessible(page, 'flooded log');

  // The link of a line brings another visitor to it.
  const link = list.locator('[data-index]', { hasText: flood.needle }).getByRole('link');
  await link.click();
  const url = page.url();
  expect(url).toMatch(new RegExp(`#line-${flood.needleSeq}\\.`));
  await page.goto('about:blank');
  await page.goto(url);
  await expect(found).toBeInViewport();

  expect(await readHeapBytes()).toBeLessThan(200 * MIB);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download the whole log' }).click(),
  ]);
  const text = readFileSync(await download.path(), 'utf8');
  expect(text.length).toBeGreaterThan(100_000_000);
  expect(text.split(flood.needle)).toHaveLength(2);
});

test('the list of runs says what is no longer kept, and fits a narrow window', async () => {
  await queryDatabase(
    siteplan,
    `INSERT INTO history_cut (topic, dropped, newest_at) VALUES ('run', 1234, now() - interval '40 days')`,
  );
  await page.goto(`${siteplan.url}/runs`);
  await expect(page.getByText(/^1,234 runs of all sites are no longer kept/)).toContainText('made 40 d ago');
  await expect(page.getByRole('table', { name: 'Runs' }).getByText('done with 1 skipped')).toBeVisible();
  const [dropped] = await queryDatabase<{ id: string }>(
    siteplan,
    `UPDATE run SET log_dropped_at = now() WHERE state = 'failed' RETURNING id`,
  );
  await page.goto(`${siteplan.url}/runs/${dropped?.id}`);
  await expect(page.getByText('The log of this run is no longer kept')).toBeVisible();
  await expect(page.getByRole('alert', { name: 'How the run ended' })).toContainText('1 of 2 steps are done');
  await expect(button('Cancel the run')).toHaveCount(0);
  await expect(button('Retry from the failed step')).toHaveAttribute('aria-disabled', 'true');
  await expectAccessible(page, 'run without its log');
  await page.goto(`${siteplan.url}/runs`);
  await page.setViewportSize({ width: 400, height: 800 });
  const over = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(await over()).toBeLessThanOrEqual(0);
  await page.goto(`${siteplan.url}/sites/${siteId}/settings`);
  await expect(page.getByRole('region', { name: 'ssh access' })).toBeVisible();
  expect(await over()).toBeLessThanOrEqual(0);
  await expectAccessible(page, 'narrow site settings');
});

test('a page says that the database is away, and comes back by itself', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  const reports = watch.problems.length;
  const thaw = freezeDatabase(dataDir);
  try {
    await page.goto(`${siteplan.url}/runs`);
    await expect(page.getByRole('alert')).toContainText('The database does not answer.');
    await expectAccessible(page, 'database away');
  } finally {
    thaw();
  }
  await expect(page.getByRole('table', { name: 'Runs' })).toBeVisible();
  watch.problems.splice(reports); // the browser's own words about answers that failed
});

test('nothing was reported on the way', () => {
  expect(watch.problems).toEqual([]);
});
