import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { runAgent } from './agent';
import { runApiServer } from './api-server';
import { findCisProblems } from './cis-profile';
import { ApiClient } from './api-client';
import { runCertificate } from './certificate-command';
import { resetCluster } from './cluster-reset';
import { runCrictl } from './crictl-command';
import { runEtcdSnapshot } from './snapshot-command';
import { runToken } from './token-command';
import { mergeConfigFiles, mergeFlags } from './config-files';
import type { ConfigFile, ConfigValues } from './config-files';
import { runControllerManager, runScheduler } from './controllers';
import type { Rke2Role } from './known-keys';
import { runKubelet } from './kubelet';
import { toLayout } from './layout';
import { exitFatal, log, toMessage } from './log';
import { runServer } from './server';
import { parseSettings } from './settings';
import type { Settings } from './settings';

/** Set by the bundler: the version that these artifacts pretend to be. */
declare const RKE2_VERSION: string;

const standInLine = "this is the Siteplan lab's stand-in for rke2, not RKE2 itself";
const configPath = '/etc/rancher/rke2/config.yaml';
// The bundle is CommonJS: argv[1] is the file itself.
const self = process.argv[1] ?? '/usr/local/bin/rke2';

function readConfigFiles(): ConfigFile[] {
  const dropIns = `${configPath}.d`;
  const names = existsSync(dropIns)
    ? readdirSync(dropIns)
        .filter((name) => name.endsWith('.yaml'))
        .sort()
    : [];
  const paths = [configPath, ...names.map((name) => join(dropIns, name))].filter((path) => existsSync(path));
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The first global IPv4 address of the interface that the default route uses. */
function findDefaultRouteAddress(): string | null {
  const routes = readFileSync('/proc/net/route', 'utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const device = routes.find((fields) => fields[1] === '00000000')?.[0];
  const addresses = device === undefined ? [] : (networkInterfaces()[device] ?? []);
  return addresses.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? null;
}

function readSettings(role: Rke2Role, argv: readonly string[]): Settings {
  const { values, warnings } = mergeConfigFiles(role, readConfigFiles());
  for (const warning of warnings) log.warn(warning);
  const merged: ConfigValues = mergeFlags(role, values, argv);
  const readFile = (path: string) => readFileSync(path, 'utf8');
  return parseSettings(role, merged, {
    hostname: hostname(),
    defaultRouteAddress: findDefaultRouteAddress(),
    readFile,
  });
}

async function runRole(role: Rke2Role, argv: readonly string[]): Promise<void> {
  log.info(standInLine);
  log.info(`Starting rke2 ${RKE2_VERSION}`);
  const settings = readSettings(role, argv);
  const problems = findCisProblems(settings, (path) => readFileSync(path, 'utf8'));
  if (problems.length > 0) throw new Error(`${problems.join('\n')}\n`);
  if (settings.profile === '') log.warn('not running in CIS mode');
  if (settings.clusterReset) return resetCluster(settings);
  const run = role === 'agent' ? runAgent : runServer;
  await run(settings, RKE2_VERSION, self);
}

function printVersion(): void {
  process.stdout.write(`rke2 version ${RKE2_VERSION} (stand-in)\n${standInLine}\n`);
}

async function main([command = '', ...argv]: readonly string[]): Promise<void> {
  const admin = () => {
    const settings = readSettings('server', []);
    const layout = toLayout(settings.dataDir);
    const identity = { ca: join(layout.tls, 'server-ca'), certificate: join(layout.tls, 'client-admin') };
    return { settings, layout, client: new ApiClient('https://127.0.0.1:6443', identity) };
  };
  switch (command) {
    case 'server':
    case 'agent':
      return runRole(command, argv);
    case 'kubelet':
      return runKubelet(argv[0] ?? '');
    case 'kube-apiserver':
      return runApiServer(argv, RKE2_VERSION);
    case 'kube-controller-manager':
      return runControllerManager(argv);
    case 'kube-scheduler':
      return runScheduler(argv);
    case 'crictl':
      return runCrictl(argv);
    case 'etcd-snapshot': {
      const { settings, layout, client } = admin();
      return runEtcdSnapshot(argv, settings, layout, client);
    }
    case 'certificate': {
      const { settings, layout } = admin();
      return runCertificate(argv, settings, layout);
    }
    case 'token': {
      const { layout, client } = admin();
      return runToken(argv, layout, client);
    }
    case '--version':
    case '-v':
      return printVersion();
    default:
      exitFatal(`No help topic for '${command}' (${standInLine})`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => exitFatal(toMessage(error)));
