export interface KubeconfigInput {
  server: string;
  /** PEM texts. */
  caCertificate: string;
  clientCertificate: string;
  clientKey: string;
  toBase64: (text: string) => string;
}

/** The file that RKE2 writes: one cluster, user and context, all called `default`, everything embedded. */
export function formatKubeconfig(input: KubeconfigInput): string {
  const { server, toBase64 } = input;
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${toBase64(input.caCertificate)}
    server: ${server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${toBase64(input.clientCertificate)}
    client-key-data: ${toBase64(input.clientKey)}
`;
}
