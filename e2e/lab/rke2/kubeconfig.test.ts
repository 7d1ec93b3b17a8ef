import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatKubeconfig } from './kubeconfig';

describe('formatKubeconfig', () => {
  it('is a kubeconfig with one context called default and everything embedded', () => {
    const config = parse(
      formatKubeconfig({
        server: 'https://127.0.0.1:6443',
        caCertificate: 'ca',
        clientCertificate: 'crt',
        clientKey: 'key',
        toBase64: (text) => `b64(${text})`,
      }),
    );
    expect(config['current-context']).toBe('default');
    expect(config.contexts).toEqual([{ name: 'default', context: { cluster: 'default', user: 'default' } }]);
    expect(config.clusters[0].cluster).toEqual({
      'certificate-authority-data': 'b64(ca)',
      server: 'https://127.0.0.1:6443',
    });
    expect(config.users[0].user).toEqual({
      'client-certificate-data': 'b64(crt)',
      'client-key-data': 'b64(key)',
    });
  });
});
