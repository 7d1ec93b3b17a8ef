/**
 * `earliest_certificate DIRECTORY`: prints the earliest end of the leaf certificates below RKE2's data directory, seconds
 * since 1970; nothing where there are none or no openssl (RKE2 docs security/certificates has the places).
 */
export const EARLIEST_CERTIFICATE = `earliest_certificate() {
  command -v openssl >/dev/null 2>&1 || return 0
  earliest=
  for file in "$1"/server/tls/*.crt "$1"/server/tls/etcd/*.crt "$1"/agent/*.crt; do
    case "$file" in *-ca.crt|*'*'*) continue ;; esac
    end=$(openssl x509 -noout -enddate -in "$file" 2>/dev/null) || continue
    end=$(date -u -d "\${end#notAfter=}" +%s 2>/dev/null) || continue
    if [ -z "$earliest" ] || [ "$end" -lt "$earliest" ]; then earliest=$end; fi
  done
  printf '%s' "$earliest"
}
`;
