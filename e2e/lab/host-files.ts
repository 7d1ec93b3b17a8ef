import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOrThrow } from './command';

/** What makes one host different from the next. */
export interface HostIdentity {
  name: string;
  address: string;
  gateway: string;
  /** All hosts of the lab, for /etc/hosts. */
  peers: readonly { name: string; address: string }[];
  /** The public key that root and ops accept. */
  authorizedKey: string;
  /** The crypt(3) hash of opspw's password. */
  passwordHash: string;
}

/** Makes a key pair without a passphrase at `path` (0600) and returns the public key's line. */
export async function makeKeyPair(path: string, comment: string): Promise<string> {
  await rm(path, { force: true });
  await runOrThrow(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path]);
  return (await readFile(`${path}.pub`, 'utf8')).trim();
}

/**
 * Gives the mounted file system at `root` its name, machine id, address, keys and password, as an installer would.
 * Returns the SHA256 fingerprint of its ssh host key, in the form that ssh prints.
 */
export async function writeHostFiles(root: string, identity: HostIdentity): Promise<string> {
  const { name, address, gateway } = identity;
  await writeFile(join(root, 'etc/hostname'), `${name}\n`);
  await writeFile(join(root, 'etc/machine-id'), `${randomBytes(16).toString('hex')}\n`);
  const peers = identity.peers.map((peer) => `${peer.address} ${peer.name}\n`).join('');
  await writeFile(join(root, 'etc/hosts'), `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${peers}`);
  // Nobody answers there: a lab has no outside network, but a host must not have loopback resolvers only.
  await writeFile(join(root, 'etc/resolv.conf'), `nameserver ${gateway}\noptions timeout:1 attempts:1\n`);
  await writeFile(
    join(root, 'etc/systemd/network/10-host0.network'),
    `[Match]\nName=host0\n\n[Network]\nAddress=${address}/24\nGateway=${gateway}\nLinkLocalAddressing=no\n` +
      'IPv6AcceptRA=no\nLLMNR=no\n',
  );
  for (const home of ['root', 'home/ops']) await authorize(root, home, identity.authorizedKey);
  await runOrThrow(['chroot', root, 'chown', '-R', 'ops:ops', '/home/ops/.ssh']);
  const shadow = join(root, 'etc/shadow');
  const lines = await readFile(shadow, 'utf8');
  await writeFile(
    shadow,
    lines.replace(/^opspw:[^:]*:/m, () => `opspw:${identity.passwordHash}:`),
  );
  const keyPath = join(root, 'etc/ssh/ssh_host_ed25519_key');
  await makeKeyPair(keyPath, `root@${name}`);
  const listing = await runOrThrow(['ssh-keygen', '-l', '-E', 'sha256', '-f', `${keyPath}.pub`]);
  const fingerprint = listing.split(' ')[1];
  if (fingerprint === undefined) throw new Error(`ssh-keygen printed no fingerprint: ${listing}`);
  return fingerprint;
}

async function authorize(root: string, home: string, key: string): Promise<void> {
  const folder = join(root, home, '.ssh');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  await writeFile(join(folder, 'authorized_keys'), `${key}\n`, { mode: 0o600 });
}
