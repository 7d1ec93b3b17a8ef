import { z } from 'zod';
import type { NodeId } from '@/lib/core/ids';
import { toSafeLine } from '@/lib/core/text';
import { decodeText, findEncodedText, LineReader, toCountOr0 } from './line-reader';
import { HostSurvey, type TailscaleState } from './survey';

/** curl's exit codes for a certificate that does not prove the name or the signer (curl manual page). */
const CERTIFICATE_CODES = new Set(['51', '60', '83']);

/**
 * The survey of one node from the output of `SURVEY_SCRIPT`. Everything in the text is hostile: unknown lines are
 * passed over, numbers that are none become 0, text is made safe. Throws when the output is not whole.
 */
export function parseSurvey(text: string, nodeId: NodeId): HostSurvey {
  const lines = text.split('\n');
  if (lines[0] !== 'siteplan-survey 1' || !lines.includes('end'))
    throw new Error('the survey did not arrive whole');
  const survey = new LineReader(text);
  const names = (key: string) => survey.all(key).flatMap((encoded) => findEncodedText(encoded) ?? []);
  const isYes = (key: string) => survey.find(key) === 'yes';
  const rotational = survey.find('rotational');
  return HostSurvey.parse({
    nodeId,
    links: survey.all('link').flatMap(findLink),
    dataMount: findMount(survey.find('mount')),
    dataTotalGiB: Math.round(toCountOr0(survey.find('data-total-kib')) / 104_857.6) / 10,
    isRotational: rotational === '1' ? true : rotational === '0' ? false : null,
    ntp: toNtp(survey.find('ntp')),
    leasedAddresses: survey.all('leased').filter((address) => /^[0-9.]{7,15}$/.test(address)),
    routes: survey.all('route').flatMap(findRoute),
    modules: Object.fromEntries(survey.all('module').flatMap(findModule)),
    sysctls: Object.fromEntries(survey.all('sysctl').flatMap(findSetting)),
    hasEtcdUser: isYes('etcd-user'),
    proxies: survey.all('proxy').filter((name) => /^[A-Za-z_]{1,40}$/.test(name)),
    noProxy: survey.all('no-proxy').flatMap((list) => list.split(/[\s,]+/).filter(Boolean)),
    leftovers: names('left').sort(),
    images: names('image').sort(),
    hasNodePassword: isYes('node-password'),
    clusterNodes: isYes('cluster') ? survey.all('cluster-node') : null,
    hasKubeProxyManifest: isYes('kube-proxy'),
    etcdAddress: /^https?:\/\/([0-9.]{7,15}):\d+$/.exec(survey.find('etcd-address'))?.[1] ?? null,
    registration: survey.has('registration') ? toRegistration(survey.find('registration')) : null,
    tailscale: survey.has('tailscale') ? toTailscale(survey.raw('tailscale')) : null,
    hasTailscaleDropRule: isYes('tailscale-rule'),
  });
}

/** `eth0 1500 10000`; a virtual card says -1 or nothing. */
function findLink(text: string): HostSurvey['links'] {
  const match = /^(\S{1,32}) (\d{1,6}) (-|-?\d{1,9})$/.exec(text);
  if (!match?.[1]) return [];
  const speed = Number(match[3]);
  return [{ name: match[1], mtu: Number(match[2]), speedMbit: speed > 0 ? speed : null }];
}

function findMount(text: string): HostSurvey['dataMount'] {
  const match = /^(\/\S*) (\S+) (\S+) (\S+)$/.exec(text);
  if (!match) return null;
  const [, path = '', source = '', fsType = '', options = ''] = match;
  return { path, source, fsType, options: options.split(',') };
}

function toNtp(text: string): HostSurvey['ntp'] {
  if (text === 'NTPSynchronized=yes') return 'synchronised';
  return text === 'NTPSynchronized=no' ? 'not synchronised' : 'unknown';
}

/** `10.42.0.0/24 cilium_host`; a host route has no prefix length. */
function findRoute(text: string): HostSurvey['routes'] {
  const match = /^([0-9.]{7,15}(?:\/\d{1,2})?)(?: (\S{1,32}))?\s*$/.exec(text);
  if (!match?.[1]) return [];
  return [{ to: match[1].includes('/') ? match[1] : `${match[1]}/32`, interface: match[2] ?? '' }];
}

function findModule(text: string): [string, string][] {
  const match = /^([a-z0-9_]{1,40}) (there|missing|unknown)$/.exec(text);
  return match?.[1] && match[2] ? [[match[1], match[2]]] : [];
}

function findSetting(text: string): [string, string][] {
  const match = /^([a-z0-9_.]{1,80}) (-?\d{1,15})$/.exec(text);
  return match?.[1] && match[2] ? [[match[1], match[2]]] : [];
}

/** curl's exit code: 0 is an answer, and its certificate proves the address. */
function toRegistration(code: string): HostSurvey['registration'] {
  if (code === '0') return 'valid';
  if (CERTIFICATE_CODES.has(code)) return 'wrong-certificate';
  return code === '7' || code === '28' || code === '6' ? 'silent' : 'unknown';
}

/** What matters of `tailscale status --json` (tailscale ipn/ipnstate); fields that are not as documented are empty. */
const Status = z.object({
  BackendState: z.string().catch(''),
  TailscaleIPs: z.array(z.string()).nullish().catch(null),
  Self: z
    .object({ Tags: z.array(z.string()).nullish().catch(null), KeyExpiry: z.string().nullish().catch(null) })
    .nullish()
    .catch(null),
});

function toTailscale(encoded: string): TailscaleState {
  const none = { backendState: '', addresses: [], tags: [], keyExpiry: null };
  const text = decodeText(encoded);
  if (text === null) return none;
  try {
    const status = Status.parse(JSON.parse(text));
    const safe = (values: readonly string[] | null | undefined) =>
      (values ?? []).slice(0, 20).map((value) => toSafeLine(value, 100));
    return {
      backendState: toSafeLine(status.BackendState, 40),
      addresses: safe(status.TailscaleIPs),
      tags: safe(status.Self?.Tags),
      keyExpiry: status.Self?.KeyExpiry ? toSafeLine(status.Self.KeyExpiry, 40) : null,
    };
  } catch {
    return none;
  }
}
