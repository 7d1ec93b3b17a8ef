// `npm test` and `npm run verify`: runs the groups one after the other and ends with one line of counts.
// Plain JavaScript with built-ins only, like bootstrap.mjs, so that a broken TypeScript tree still gets its report.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const REPORTS = join(ROOT, '.build/reports');
const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'];

function hasProgram(name) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function listMissing(...names) {
  return names.filter((name) => !hasProgram(name));
}

function whyNoLab() {
  if (process.platform !== 'linux') return 'the lab needs Linux';
  if (process.getuid?.() !== 0) return 'the lab needs root';
  const missing = listMissing('systemd-nspawn', 'mmdebstrap', 'ip', 'nsenter');
  return missing.length > 0 ? `the lab lacks ${missing.join(', ')}` : null;
}

function whyNoSshd() {
  const missing = listMissing('sshd', 'ssh-keygen', 'flock');
  return missing.length > 0 ? `these tests lack ${missing.join(', ')}` : null;
}

function whyNoBrowser() {
  return CHROMIUM.some(hasProgram)
    ? whyNoLab()
    : `these tests lack a system Chromium (${CHROMIUM.join(', ')})`;
}

function bin(name) {
  return createRequire(import.meta.url).resolve(join(ROOT, 'node_modules/.bin', name));
}

function runNode(args, env = {}) {
  const result = spawnSync(process.execPath, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
  });
  return result.status ?? 1;
}

/** Failed tests with the first line of each reason, so that the end of a log says what to look at. */
const failures = [];

function noteVitestFailures(project, { testResults }) {
  for (const { name, message, assertionResults } of testResults) {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of failed) note(project, name, fullName, failureMessages[0]);
    if (failed.length === 0 && message) note(project, name, 'the file itself', message);
  }
}

function notePlaywrightFailures({ suites }) {
  for (const { file, specs = [], suites: inner = [] } of suites) {
    for (const { title, ok, tests } of specs) {
      const errors = tests.flatMap(({ results }) => results.flatMap(({ errors }) => errors));
      if (!ok) note('browser', file, title, errors[0]?.message);
    }
    notePlaywrightFailures({ suites: inner });
  }
}

function note(group, file, title, message = '') {
  const reason = message
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .split('\n', 3)
    .join(' ')
    .slice(0, 400);
  failures.push(`FAILED ${group} ${file.replace(`${ROOT}/`, '')}: ${title}\n       ${reason}`);
}

/** A check that either passes or not counts as one test. */
function check(args) {
  return () =>
    runNode(args) === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

function vitest(project) {
  return (filters) => {
    const report = join(REPORTS, `${project}.json`);
    rmSync(report, { force: true });
    const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
    const status = runNode([bin('vitest'), 'run', '--project', project, ...reporters, ...filters], {
      NODE_ENV: 'test',
    });
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const found = JSON.parse(readFileSync(report, 'utf8'));
    noteVitestFailures(project, found);
    // A file that fails to load has no failed test of its own; neither may pass for green.
    const failed = Math.max(found.numFailedTests, status === 0 ? 0 : 1);
    return { passed: found.numPassedTests, failed, skipped: found.numPendingTests + found.numTodoTests };
  };
}

function playwright(filters) {
  const report = join(REPORTS, 'browser.json');
  rmSync(report, { force: true });
  if (runNode([join(ROOT, 'lib/supervisor/bootstrap.mjs'), 'prepare']) !== 0)
    return { passed: 0, failed: 1, skipped: 0 };
  const status = runNode([bin('playwright'), 'test', ...filters], { PLAYWRIGHT_JSON_OUTPUT_NAME: report });
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { stats, suites } = JSON.parse(readFileSync(report, 'utf8'));
  notePlaywrightFailures({ suites });
  const failed = Math.max(stats.unexpected + stats.flaky, status === 0 ? 0 : 1); // a flaky test is a bug
  return { passed: stats.expected, failed, skipped: stats.skipped };
}

const GROUPS = [
  { name: 'format', isFast: true, run: check([bin('prettier'), '--check', '--log-level', 'warn', '.']) },
  { name: 'lint', isFast: true, run: check([bin('eslint'), '--max-warnings=0', '.']) },
  { name: 'types', isFast: true, run: check([bin('tsc'), '--noEmit', '-p', '.']) },
  { name: 'pure', isFast: true, run: vitest('pure') },
  { name: 'db', run: vitest('db') },
  { name: 'ssh', run: vitest('ssh'), lacks: whyNoSshd },
  { name: 'start', run: vitest('start') },
  { name: 'lab', run: vitest('lab'), lacks: whyNoLab },
  { name: 'browser', run: playwright, lacks: whyNoBrowser },
];

/** Runs all groups (or the named ones); prints what was skipped and why; returns the exit code. */
export async function runTests(command, args) {
  mkdirSync(REPORTS, { recursive: true });
  const names = args.filter((arg) => GROUPS.some((group) => group.name === arg));
  const filters = args.filter((arg) => !names.includes(arg));
  const groups = GROUPS.filter((group) =>
    names.length > 0 ? names.includes(group.name) : command === 'test' || group.isFast,
  );
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  for (const group of groups) {
    const lack = group.lacks?.() ?? null;
    const startedAt = Date.now();
    console.log(`\n== ${group.name} ==`);
    const counts = lack ? { passed: 0, failed: 0, skipped: 1 } : group.run(filters);
    for (const key of Object.keys(total)) total[key] += counts[key];
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const outcome = lack
      ? `skipped: ${lack}`
      : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    lines.push(`${group.name.padEnd(8)} ${outcome} (${seconds} s)`);
  }
  if (failures.length > 0) console.log(`\n${failures.join('\n')}`);
  console.log(
    `\n${lines.join('\n')}\n\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`,
  );
  return total.failed === 0 ? 0 : 1;
}
