import type { Settings } from './settings';

const kernelParameters: Record<string, number> = {
  'vm.overcommit_memory': 1,
  'vm.panic_on_oom': 0,
  'kernel.panic': 10,
  'kernel.panic_on_oops': 1,
};

/**
 * What `profile: cis` or `etcd` requires of the host and does not find, in RKE2's words; empty when all is well or
 * no profile is set (RKE2 docs security/hardening_guide; facts 7.4). `readFile` throws for a missing file.
 */
export function findCisProblems(settings: Settings, readFile: (path: string) => string): string[] {
  const kernel =
    settings.profile === 'cis'
      ? Object.entries(kernelParameters).flatMap(([name, wanted]) => {
          const found = Number(readFile(`/proc/sys/${name.replaceAll('.', '/')}`).trim());
          return found === wanted
            ? []
            : [`invalid kernel parameter value ${name}=${found} - expected ${wanted}`];
        })
      : [];
  if (kernel.length > 0 || settings.profile === '' || settings.role === 'agent') return kernel;
  const hasUser = /^etcd:/m.test(readFile('/etc/passwd'));
  const hasGroup = /^etcd:/m.test(readFile('/etc/group'));
  return [
    ...(hasUser ? [] : ['missing required: user: unknown user etcd']),
    ...(hasGroup ? [] : ['missing required: group: unknown group etcd']),
  ];
}
