import { firstServer } from '@/lib/topology/find-node';
import { API_PORT, registrationAddress } from '@/lib/topology/registration';
import type { KubeconfigResult } from '@/lib/run/job-view';
import { sealTo } from '@/lib/secrets/seal-to';
import { HostError } from '@/lib/ssh/host-error';
import type { JobContext } from './job-context';

/** RKE2 docs, cluster_access: the file on a server, whose URL is the server's own loopback. */
const READ_KUBECONFIG = `cat /etc/rancher/rke2/rke2.yaml
printf '\\nnot-after '
sed -n 's/^ *client-certificate-data: *//p' /etc/rancher/rke2/rke2.yaml | base64 -d 2>/dev/null |
  openssl x509 -noout -enddate 2>/dev/null | sed 's/^notAfter=//'`;
const LOOPBACK_URL = 'https://127.0.0.1:6443';

function toNotAfter(text: string): string | null {
  const milliseconds = Date.parse(text.trim());
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}

/**
 * Reads the admin kubeconfig from the first server, points it at the registration address and seals it to the
 * caller's one-time key: neither the database nor the web process ever holds it in clear.
 */
export async function runKubeconfig(job: JobContext, publicKey: string): Promise<KubeconfigResult> {
  const server = firstServer(job.topology);
  if (!server) throw new Error('a topology without servers has no kubeconfig');
  await job.progress(`${server.name}: reading the kubeconfig`);
  const shell = (await job.hosts.connect(server.id)).openShell();
  const { exitCode, stdout } = await shell
    .run({ script: READ_KUBECONFIG, timeoutMs: 20_000 })
    .finally(() => shell.close());
  const [text = '', notAfter = ''] = stdout.toString('utf8').split('\nnot-after ');
  if (exitCode !== 0 || !text.includes(LOOPBACK_URL)) {
    throw new HostError({
      code: 'step-exit',
      message: `${server.name} has no kubeconfig in /etc/rancher/rke2/rke2.yaml.`,
      nextAction: 'Apply a plan first; RKE2 writes the file when the server has started.',
    });
  }
  const kubeconfig = text.replaceAll(
    LOOPBACK_URL,
    `https://${registrationAddress(job.topology)}:${API_PORT}`,
  );
  return { sealed: sealTo(publicKey, Buffer.from(kubeconfig, 'utf8')), notAfter: toNotAfter(notAfter) };
}
