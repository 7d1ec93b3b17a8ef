/** `ask ARGUMENT...`: RKE2's own kubectl with the kubeconfig in `config`, five seconds per request, errors unsaid. */
export const KUBECTL = `
kubectl="$root/var/lib/rancher/rke2/bin/kubectl"
ask() { "$kubectl" --kubeconfig "$config" --cache-dir "$root/run/siteplan-kube-cache" --request-timeout=5s "$@" 2>/dev/null; }
`;
