import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command';
import type { CommandResult } from './command';
import type { Lab } from './lab';

const common = ['-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=5'];

/** Runs a shell line on a host with the OpenSSH client: with the lab's key, or as opspw with the lab's password. */
export async function sshCommand(
  lab: Lab,
  hostName: string,
  user: 'root' | 'ops' | 'opspw',
  line: string,
): Promise<CommandResult> {
  const host = lab.hosts.find((candidate) => candidate.name === hostName);
  if (host === undefined) throw new Error(`no host ${hostName}`);
  const target = ['-o', 'StrictHostKeyChecking=no', `${user}@${host.address}`, line];
  if (user !== 'opspw')
    return runCommand(['ssh', ...common, '-o', 'BatchMode=yes', '-i', host.privateKeyPath, ...target]);
  const askPass = join(lab.dir, 'ask-pass.sh');
  await writeFile(askPass, `#!/bin/sh\nprintf '%s\\n' '${lab.password}'\n`, { mode: 0o700 });
  const ask = ['env', `SSH_ASKPASS=${askPass}`, 'SSH_ASKPASS_REQUIRE=force'];
  return runCommand([...ask, 'ssh', ...common, '-o', 'PubkeyAuthentication=no', ...target]);
}
