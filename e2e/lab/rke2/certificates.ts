import { execFileSync } from 'node:child_process';
import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const caDays = 3650;
const leafDays = 365;
/** RKE2 renews a leaf at a service start within this many days of its end (since May 2025; facts 6). */
const renewWithinDays = 120;
const dayMs = 86_400_000;

/** What a certificate says. */
export interface LeafProfile {
  /** Path of the issuing CA without `.crt`. */
  ca: string;
  commonName: string;
  organization?: string;
  usages: readonly ('clientAuth' | 'serverAuth')[];
  /** Addresses and names of the subject alternative name. */
  sans?: readonly string[];
}

export interface LeafSpec extends LeafProfile {
  /** Path of the certificate without `.crt`; the key stands beside it. */
  path: string;
}

/** What ensureLeaf did: `kept` an unchanged certificate, `renewed` its lifetime, or `issued` a new one. */
export type LeafOutcome = 'kept' | 'renewed' | 'issued';

/** Makes a self-signed CA for ten years unless one stands there already. */
export function ensureCa(path: string, name: string): void {
  if (existsSync(`${path}.crt`) && existsSync(`${path}.key`)) return;
  ensureKey(`${path}.key`);
  const subject = `${name}@${Math.floor(Date.now() / 1000)}`;
  const extensions = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
  ];
  issue(`${path}.crt`, `${path}.key`, null, `CN=${subject}`, extensions, caDays);
}

/**
 * Makes a leaf certificate for a year, keeps a good one, and extends one that is inside the renewal window (same
 * key) or whose names have changed. The file holds the leaf and then its CA.
 */
export function ensureLeaf(spec: LeafSpec, nowMs: number): LeafOutcome {
  const existing = readLeaf(`${spec.path}.crt`);
  const sans = [...new Set(spec.sans ?? [])];
  const hasNames = existing !== null && holdsExactly(existing, sans);
  const caText = readFileSync(`${spec.ca}.crt`, 'utf8');
  const isOurs = existing !== null && existing.checkIssued(new X509Certificate(caText));
  const restMs = existing === null ? 0 : Date.parse(existing.validTo) - nowMs;
  if (existing !== null && isOurs && hasNames && restMs > renewWithinDays * dayMs) return 'kept';
  ensureKey(`${spec.path}.key`);
  const organization = spec.organization === undefined ? '' : `O=${spec.organization}\n`;
  const extensions = leafExtensions(spec);
  issue(
    `${spec.path}.crt`,
    `${spec.path}.key`,
    spec.ca,
    `${organization}CN=${spec.commonName}`,
    extensions,
    leafDays,
  );
  writeFileSync(`${spec.path}.crt`, readFileSync(`${spec.path}.crt`, 'utf8') + caText);
  return existing !== null && isOurs && hasNames ? 'renewed' : 'issued';
}

function leafExtensions(profile: LeafProfile): string[] {
  const sans = [...new Set(profile.sans ?? [])];
  return [
    'keyUsage=critical,digitalSignature,keyEncipherment',
    `extendedKeyUsage=${profile.usages.join(',')}`,
    ...(sans.length === 0 ? [] : [`subjectAltName=${sans.map(toGeneralName).join(',')}`]),
  ];
}

/** Makes a new key at `path`.key and returns a request for a certificate for it; its subject says nothing. */
export function makeRequest(path: string): string {
  rmSync(`${path}.key`, { force: true });
  ensureKey(`${path}.key`);
  return execFileSync('openssl', ['req', '-new', '-key', `${path}.key`, '-subj', '/CN=node'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/**
 * Signs the key of a request for a year. Everything but the key comes from `profile`. Returns the certificate and its
 * CA; throws openssl's words when the text is no request.
 */
export function signRequest(request: string, profile: LeafProfile): string {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-cert-'));
  try {
    const extensions = join(folder, 'extensions');
    writeFileSync(extensions, `${leafExtensions(profile).join('\n')}\n`);
    const organization = profile.organization === undefined ? '' : `/O=${profile.organization}`;
    const issuer = ['-CA', `${profile.ca}.crt`, '-CAkey', `${profile.ca}.key`];
    const serial = `0x${randomBytes(8).toString('hex')}`;
    const fixed = ['x509', '-req', '-sha256', '-set_serial', serial, '-days', String(leafDays)];
    const subject = ['-subj', `${organization}/CN=${profile.commonName}`];
    const leaf = execFileSync('openssl', [...fixed, ...issuer, ...subject, '-extfile', extensions], {
      input: request,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return leaf + readFileSync(`${profile.ca}.crt`, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toGeneralName(san: string): string {
  return isIP(san) === 0 ? `DNS:${san}` : `IP:${san}`;
}

/** Compares addresses by value, because a certificate spells `::1` in full. */
function holdsExactly(certificate: X509Certificate, sans: readonly string[]): boolean {
  const present = (certificate.subjectAltName ?? '').split(', ').filter(Boolean);
  const has = (san: string) =>
    isIP(san) === 0 ? present.includes(`DNS:${san}`) : certificate.checkIP(san) !== undefined;
  return present.length === sans.length && sans.every(has);
}

/** The first certificate of a file, or null when there is none or it cannot be read. */
export function readLeaf(path: string): X509Certificate | null {
  try {
    return new X509Certificate(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** The hash that a full token carries: SHA-256 of the CA file as `/cacerts` serves it. */
export function hashCaFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function ensureKey(path: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path, pair.privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
}

/** The RSA pair with which service account tokens are signed. */
export function ensureServiceKey(path: string): void {
  if (existsSync(path)) return;
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(path, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
}

export function isKeyOf(certificatePath: string, keyPath: string): boolean {
  const certificate = readLeaf(certificatePath);
  if (certificate === null || !existsSync(keyPath)) return false;
  const key = createPublicKey(createPrivateKey(readFileSync(keyPath, 'utf8')));
  return certificate.publicKey.equals(key);
}

function issue(
  crt: string,
  key: string,
  ca: string | null,
  subject: string,
  extensions: string[],
  days: number,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'rke2-cert-'));
  try {
    const config = join(folder, 'openssl.cnf');
    const body = `[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n${subject}\n[ext]\n`;
    writeFileSync(config, `${body}${extensions.join('\n')}\n`);
    const issuer = ca === null ? [] : ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`];
    const serial = `0x${randomBytes(8).toString('hex')}`;
    const fixed = [
      'req',
      '-x509',
      '-new',
      '-sha256',
      '-config',
      config,
      '-set_serial',
      serial,
      '-days',
      String(days),
    ];
    execFileSync('openssl', [...fixed, '-key', key, ...issuer, '-out', crt], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
