import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NodeId } from '@/lib/core/ids';
import { HostSurvey } from './survey';
import { parseSurvey } from './parse-survey';

const nodeId = NodeId.parse('n-1');
const parse = (...lines: string[]) =>
  parseSurvey(['siteplan-survey 1', ...lines, 'end', ''].join('\n'), nodeId);
const KEYS = [
  'link',
  'mount',
  'rotational',
  'data-total-kib',
  'ntp',
  'leased',
  'route',
  'module',
  'sysctl',
  'proxy',
  'no-proxy',
  'left',
  'image',
  'cluster-node',
  'etcd-address',
  'registration',
  'tailscale',
];

describe('a survey that is read', () => {
  it('must be whole', () => {
    for (const text of ['', 'siteplan-survey 1\n', 'end\n', 'siteplan-survey 2\nend\n'])
      expect(() => parseSurvey(text, nodeId)).toThrow('whole');
  });

  it('says unknown of what the host did not say', () => {
    expect(parse()).toMatchObject({
      links: [],
      dataMount: null,
      isRotational: null,
      ntp: 'unknown',
      clusterNodes: null,
      registration: null,
      tailscale: null,
      modules: {},
    });
  });

  it('takes any text of a host without failing, and lets no control character through', () => {
    const line = fc
      .tuple(fc.constantFrom(...KEYS), fc.string({ unit: 'binary' }))
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const survey = parse(...lines);
        expect(HostSurvey.parse(survey)).toEqual(survey);
        expect(JSON.stringify(survey)).not.toMatch(/\\u00[01]|[\u0080-\u009f\u202e]/);
      }),
    );
  });

  it.each([
    ['0', 'valid'],
    ['60', 'wrong-certificate'],
    ['28', 'silent'],
    ['unknown', 'unknown'],
    ['99', 'unknown'],
  ])('curl’s exit code %s is %s', (code, registration) => {
    expect(parse(`registration ${code}`).registration).toBe(registration);
  });

  it('passes over a Tailscale state of another shape', () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
    expect(parse(`tailscale ${encode({ BackendState: 5, Self: 'x', TailscaleIPs: [1] })}`).tailscale).toEqual(
      {
        backendState: '',
        addresses: [],
        tags: [],
        keyExpiry: null,
      },
    );
  });
});
