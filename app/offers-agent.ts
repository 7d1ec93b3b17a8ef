import { can } from '@/lib/access/can';
import { env } from '@/lib/env/env';
import type { ServiceContext } from '@/lib/services/context';

/** Whether workers have an ssh-agent and this person may lend it to hosts. */
export function offersAgent({ actor }: ServiceContext): boolean {
  return env().sshAgent !== null && can(actor.grants, 'credential.create-agent').allowed;
}
