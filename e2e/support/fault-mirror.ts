import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from '@/e2e/lab/command';
import { sha256Hex } from '@/lib/core/hash';

export const FAULT_VERSION = 'v1.35.7+rke2r1';
export const FAULT_ARCH = arch() === 'x64' ? 'amd64' : 'arm64';
const TARBALL = `rke2.linux-${FAULT_ARCH}.tar.gz`;
/** e_machine of an ELF header, little endian, of the family that this machine is not. */
const OTHER_MACHINE = arch() === 'x64' ? 0xb7 : 0x3e;

/** The first bytes of a program for the other processor family: enough for a kernel to refuse it. */
export function makeForeignProgram(): Buffer {
  const header = Buffer.alloc(256);
  header.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(OTHER_MACHINE, 18);
  header.writeUInt32LE(1, 20);
  return header;
}

export interface FaultMirror {
  /** Folder of a release: whole, not there, too large, damaged, of the other family, or one that never ends. */
  readonly url: (release: 'good' | 'missing' | 'large' | 'damaged' | 'foreign' | 'stalled') => string;
  /** The same as `good`, with a certificate that nobody signed, and with one that begins in the year 2099. */
  readonly untrustedUrl: string;
  readonly tomorrowUrl: string;
  /** The certificate of 2099, PEM. */
  readonly tomorrowCertificate: string;
  readonly stop: () => Promise<void>;
}

async function makeTarball(dir: string, program: Buffer | string): Promise<Buffer> {
  const from = join(dir, 'release');
  await mkdir(join(from, 'bin'), { recursive: true });
  await mkdir(join(from, 'lib/systemd/system'), { recursive: true });
  await writeFile(join(from, 'bin/rke2'), program, { mode: 0o755 });
  await writeFile(join(from, 'lib/systemd/system/rke2-server.service'), '[Service]\nExecStart=/bin/true\n');
  await runOrThrow(['tar', '-czf', join(dir, 'release.tar.gz'), '-C', from, '.']);
  await rm(from, { recursive: true });
  return readFile(join(dir, 'release.tar.gz'));
}

/** A self-signed certificate for an address that is valid from a date on (`openssl ca` lets us choose it). */
async function makeCertificate(
  dir: string,
  address: string,
  from: string,
): Promise<{ key: string; cert: string }> {
  const at = (name: string) => join(dir, name);
  const config = `[ca]\ndefault_ca=own\n[own]\ndatabase=${at('index')}\nnew_certs_dir=${dir}\nrand_serial=yes
default_md=sha256\npolicy=any\nx509_extensions=ext\nunique_subject=no\n[any]\ncommonName=supplied
[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=mirror\n[ext]\nsubjectAltName=IP:${address}\nbasicConstraints=CA:TRUE\n`;
  await writeFile(at('ca.cnf'), config);
  await writeFile(at('index'), '');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key')];
  await runOrThrow(['openssl', 'req', '-new', '-config', at('ca.cnf'), ...key, '-out', at('csr')]);
  const dates = ['-startdate', from, '-enddate', '21090101000000Z'];
  const files = ['-keyfile', at('key'), '-in', at('csr'), '-out', at('crt')];
  const how = ['-selfsign', '-batch', '-notext', '-config', at('ca.cnf')];
  await runOrThrow(['openssl', 'ca', ...how, ...files, ...dates]);
  return { key: await readFile(at('key'), 'utf8'), cert: await readFile(at('crt'), 'utf8') };
}

async function listen(server: Server, address: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port; // a TCP server has one
}

/** A place of release files that fails in every way it can, on an address that lab hosts reach. */
export async function startFaultMirror(address: string): Promise<FaultMirror> {
  const dir = await mkdtemp(join(tmpdir(), 'siteplan-mirror-'));
  const good = await makeTarball(dir, `#!/bin/sh\necho 'rke2 version ${FAULT_VERSION} (abc)'\n`);
  const bodies: Readonly<Record<string, Buffer>> = {
    good,
    damaged: good,
    large: Buffer.alloc(24_000_000, 'siteplan'),
    foreign: await makeTarball(dir, makeForeignProgram()),
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const [, release = '', , file = ''] = (request.url ?? '').split('/');
    const body = bodies[release];
    if (release === 'stalled') {
      response.writeHead(200, { 'content-length': 1_000 }).write('x');
    } else if (body && file === TARBALL) response.end(body);
    else if (body && file === `sha256sum-${FAULT_ARCH}.txt`) {
      response.end(`${sha256Hex(release === 'damaged' ? 'another file' : body)}  ${TARBALL}\n`);
    } else response.writeHead(404).end();
  };
  const untrusted = await makeCertificate(dir, address, '20200101000000Z');
  const tomorrow = await makeCertificate(dir, address, '20990101000000Z');
  await rm(dir, { recursive: true, force: true });
  const servers = [
    createHttpServer(answer),
    createHttpsServer(untrusted, answer),
    createHttpsServer(tomorrow, answer),
  ];
  const [plain, secure, late] = await Promise.all(servers.map((server) => listen(server, address)));
  return {
    url: (release) => `http://${address}:${plain}/${release}`,
    untrustedUrl: `https://${address}:${secure}/good`,
    tomorrowUrl: `https://${address}:${late}/good`,
    tomorrowCertificate: tomorrow.cert,
    stop: async () => {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
