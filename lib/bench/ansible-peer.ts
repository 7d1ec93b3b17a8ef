import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runCommand, runOrThrow } from '@/e2e/lab/command';
import type { BenchHost } from './bench-hosts';
import { readCommandCpuMs } from './cpu-time';
import { runMeasured, type MeasuredCommand } from './measured-command';
import { WORK } from './provision-work';

const LIMIT_MS = 1_800_000;

/** `modules`: copy, command and systemd. `raw`: the same as shell lines, without Python on the hosts. */
export type AnsibleWay = 'modules' | 'raw';

export interface AnsiblePeer {
  /** `ansible-core 2.19.14`, for `detail`. */
  readonly version: string;
  readonly run: (way: AnsibleWay) => Promise<MeasuredCommand>;
  readonly stop: () => Promise<void>;
}

/** JSON is YAML. */
const PLAYBOOKS: Readonly<Record<AnsibleWay, unknown>> = {
  modules: [
    {
      hosts: 'all',
      gather_facts: false,
      tasks: [
        {
          name: 'files',
          copy: {
            src: '{{ item.src }}',
            dest: '{{ item.path }}',
            mode: '0644',
            owner: 'root',
            group: 'root',
          },
          loop: WORK.files.map(({ path }) => ({ src: basename(path), path })),
        },
        { name: 'commands', command: { cmd: 'cp {{ item.from }} {{ item.path }}' }, loop: WORK.copies },
        { name: 'units', systemd: { name: '{{ item }}', enabled: true, state: 'started' }, loop: WORK.units },
      ],
    },
  ],
  raw: [
    {
      hosts: 'all',
      gather_facts: false,
      tasks: [
        {
          name: 'files',
          raw: 'printf %s {{ item.base64 }} | base64 -d > {{ item.path }} && chmod 0644 {{ item.path }}',
          loop: WORK.files.map(({ path, content }) => ({
            path,
            base64: Buffer.from(content).toString('base64'),
          })),
        },
        { name: 'commands', raw: 'cp {{ item.from }} {{ item.path }}', loop: WORK.copies },
        { name: 'units', raw: 'systemctl enable --now {{ item }}', loop: WORK.units },
      ],
    },
  ],
};

/** As fast as Ansible goes without plugins: pipelining, kept connections, a fork per host, no facts. */
function toConfig(dir: string, hosts: readonly BenchHost[]): string {
  return `[defaults]
inventory = ${dir}/inventory
forks = ${hosts.length}
home = ${dir}/home
interpreter_python = /usr/bin/python3
deprecation_warnings = False

[ssh_connection]
pipelining = True
control_path_dir = ${dir}/cp
ssh_args = -F /dev/null -o ControlMaster=auto -o ControlPersist=300s -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${dir}/known-hosts -o HostKeyAlgorithms=ssh-ed25519
`;
}

/** Ansible with everything that it needs in a directory of its own. `stop` ends its kept connections. */
export async function prepareAnsible(hosts: readonly BenchHost[], knownHosts: string): Promise<AnsiblePeer> {
  const dir = await mkdtemp(join(tmpdir(), 'sp-ansible-'));
  const write = (name: string, text: string) => writeFile(join(dir, name), text);
  await Promise.all([mkdir(join(dir, 'files')), mkdir(join(dir, 'cp'), { mode: 0o700 })]);
  const inventory = hosts.map(
    ({ name, target, keyPath }) =>
      `${name} ansible_host=${target.address} ansible_port=${target.port} ansible_user=${target.user} ansible_ssh_private_key_file=${keyPath}\n`,
  );
  await Promise.all([
    write('ansible.cfg', toConfig(dir, hosts)),
    write('inventory', inventory.join('')),
    write('known-hosts', knownHosts),
    write('modules.yml', JSON.stringify(PLAYBOOKS.modules)),
    write('raw.yml', JSON.stringify(PLAYBOOKS.raw)),
    ...WORK.files.map(({ path, content }) => write(join('files', basename(path)), content)),
  ]);
  const env = ['env', `ANSIBLE_CONFIG=${dir}/ansible.cfg`, 'LC_ALL=C.UTF-8', 'ANSIBLE_FORCE_COLOR=0'];
  const said = await runOrThrow([...env, 'ansible-playbook', '--version']);
  const endMasters = async () => {
    for (const name of await readdir(join(dir, 'cp'))) {
      // The socket names the master; the host is only a word that the client wants.
      await runCommand(['ssh', '-F', '/dev/null', '-O', 'exit', '-S', join(dir, 'cp', name), 'any']);
    }
  };
  return {
    version: `ansible-${/core [\d.]+/.exec(said)?.[0] ?? 'core'}`,
    run: async (way) => {
      const output = { outputPath: join(dir, `${way}.out`), timeoutMs: LIMIT_MS };
      const measured = await runMeasured([...env, 'ansible-playbook', join(dir, `${way}.yml`)], output);
      // The kept connections left the process tree: they count as well.
      const keptMs = await readCommandCpuMs(join(dir, 'cp'));
      await endMasters();
      return { wallMs: measured.wallMs, cpuMs: measured.cpuMs + keptMs };
    },
    stop: async () => {
      await endMasters();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
