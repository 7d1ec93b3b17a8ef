import { z } from 'zod';
import { HostKeyImport, type ImportedKey } from '@/lib/access/host-key-import';
import { HostKeyView } from '@/lib/access/host-key-view';
import { toCount } from '@/lib/core/text';
import { ScanResult, type ScannedKey } from '@/lib/run/job-view';
import type { Exit } from '../cli-error';
import type { Command, CommandInput } from '../command';
import { optional, required } from '../command';
import { openServer, SERVER_OPTIONS } from '../login-file';
import { toTable } from '../output';
import { readInput } from '../read-input';
import { parseResult, runJob } from '../run-job';
import { readHosts } from '../site-hosts';
import { findSite } from './site-commands';

async function scan({ args: [wanted = ''], values, out }: CommandInput): Promise<Exit> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const job = await runJob(api, `/sites/${id}/host-keys/scan`, undefined, out);
  const result = parseResult(ScanResult, job.result);
  const { nameOf } = await readHosts(api, id);
  const toRow = (nodeId: string, hop: string, { state, algorithm, fingerprint, failure }: ScannedKey) => [
    ...[state, nameOf(nodeId), hop, algorithm ?? '-', fingerprint ?? '-'],
    failure ? `${failure.message} ${failure.nextAction}` : '',
  ];
  const rows = result.nodes.flatMap((node) => [
    ...node.hops.map((hop) => toRow(node.nodeId, hop.hop, hop)),
    toRow(node.nodeId, '-', node),
  ]);
  out.result(result, toTable(['STATE', 'HOST', 'HOP', 'ALGORITHM', 'FINGERPRINT', 'WHY NOT'], rows));
  return rows.some(([state]) => state === 'changed' || state === 'failed') ? 'wanting' : 'done';
}

function toPinned({ approvedAt, revokedAt }: HostKeyView): string {
  if (revokedAt !== null) return 'revoked';
  return approvedAt === null ? 'seen' : 'approved';
}

async function list({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const shape = z.object({ hostKeys: z.array(HostKeyView) });
  const { hostKeys } = await api.get(shape, `/sites/${id}/host-keys`);
  const rows = hostKeys.map((key) => [
    ...[toPinned(key), key.nodeName, key.hop ?? '-', `${key.address}:${key.port}`, key.algorithm],
    ...[key.fingerprint, key.approvedBy ?? '-'],
  ]);
  const headings = ['STATE', 'HOST', 'HOP', 'ADDRESS', 'ALGORITHM', 'FINGERPRINT', 'APPROVED BY'];
  out.result(hostKeys, rows.length > 0 ? toTable(headings, rows) : 'No host key was seen yet.');
}

async function decide(input: CommandInput, verb: 'approve' | 'revoke'): Promise<void> {
  const { args, values, out } = input;
  const [wanted = '', host = '', fingerprint = ''] = args;
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const [node, hop] = [(await readHosts(api, id)).idOf(host), optional(values, 'hop')];
  const json = { node, fingerprint, ...(hop !== undefined && { hop }) };
  const view = await api.get(HostKeyView, `/sites/${id}/host-keys/${verb}`, { method: 'POST', json });
  const word = verb === 'approve' ? 'approved' : 'revoked';
  out.result(view, `${view.algorithm} ${view.fingerprint} of ${hop ?? view.nodeName} is ${word}.`);
}

async function importFile({ args: [wanted = ''], values, out }: CommandInput): Promise<void> {
  const text = await readInput(required(values, 'file'));
  const api = await openServer(values);
  const { id } = await findSite(api, wanted);
  const found = await api.get(HostKeyImport, `/sites/${id}/host-keys/import`, {
    method: 'POST',
    json: { text },
  });
  const toLines = (words: string, keys: readonly ImportedKey[]) =>
    keys.map(({ nodeName, hop, fingerprint }) => `${words} ${hop ?? nodeName}: ${fingerprint}`);
  const lines = [
    ...toLines('approved', found.matched),
    ...toLines('revoked', found.revoked),
    ...found.refused.map(({ line, reason }) => `line ${line} is left out: ${reason}`),
    ...(found.unmatched.length > 0
      ? [`${toCount(found.unmatched.length, 'line')} about no host of this site`]
      : []),
  ];
  out.result(found, lines.join('\n') || 'The file holds no key.');
}

const HOP = { value: 'ADDRESS:PORT', words: 'The key of this bastion on the way to the host.' };

export const HOST_KEY_COMMANDS: readonly Command[] = [
  {
    name: 'host-key scan',
    summary: 'Reads the keys that the hosts of a site offer, without signing in.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    details: 'Ends with 5 when a key has changed or could not be read.',
    run: scan,
  },
  {
    name: 'host-key list',
    summary: 'Lists the host keys that were seen.',
    args: ['SITE'],
    options: SERVER_OPTIONS,
    run: list,
  },
  {
    name: 'host-key approve',
    summary: 'Trusts a host key that a scan saw; compare its fingerprint with the host’s own first.',
    args: ['SITE', 'HOST', 'FINGERPRINT'],
    options: { ...SERVER_OPTIONS, hop: HOP },
    run: (input) => decide(input, 'approve'),
  },
  {
    name: 'host-key revoke',
    summary: 'Stops trusting a host key; work on the host stops until another is approved.',
    args: ['SITE', 'HOST', 'FINGERPRINT'],
    options: { ...SERVER_OPTIONS, hop: HOP },
    run: (input) => decide(input, 'revoke'),
  },
  {
    name: 'host-key import',
    summary: 'Trusts the host keys of a known_hosts file.',
    args: ['SITE'],
    options: {
      ...SERVER_OPTIONS,
      file: { value: 'FILE', short: 'f', words: 'The file; - is standard input.' },
    },
    run: importFile,
  },
];
