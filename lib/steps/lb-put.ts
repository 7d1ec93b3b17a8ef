import { z } from 'zod';
import { FILE_SHARED, FilePutParams, toFileAct, toFileVariables } from './file-put';
import { FIND_PROGRAM } from './find-program';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

export const LbPutParams = FilePutParams.extend({ program: z.enum(['nginx', 'keepalived']) });
export type LbPutParams = z.infer<typeof LbPutParams>;

/** Where nginx of EL and Fedora includes files at its top level; Debian's place is that of the file itself. */
export const NGINX_EL_FOLDER = '/usr/share/nginx/modules';

/** Stamp of a load balancer whose nginx reads our file through a link: a plan sees by it that a link was lost. */
export const NGINX_LINK_STAMP = 'nginx-link';

/**
 * `find_hook` sets `hook`: the directory that the host's own nginx.conf includes outside of `http`. Where that is not
 * the file's own directory, a link there leads to the file.
 */
const SHARED = `${FILE_SHARED.replace('is_so()', 'is_written()')}${FIND_PROGRAM}
find_hook() {
  for hook in /etc/nginx/modules-enabled ${NGINX_EL_FOLDER}; do
    if grep -Eqs "^[[:space:]]*include[[:space:]]+$hook/\\*\\.conf[[:space:]]*;" "$root/etc/nginx/nginx.conf"; then return 0; fi
  done
  return 1
}
is_linked() {
  if ! find_hook; then note 'nginx.conf does not include this file'; return 1; fi
  if [ "$hook" = "\${sp_path%/*}" ] || [ "$(readlink "$root$hook/\${sp_path##*/}")" = "$sp_path" ]; then return 0; fi
  note "$hook has no link to $sp_path"; return 1
}
is_so() {
  is_written || return 1
  if [ "$sp_program" = nginx ]; then is_linked; fi
}
`;

/**
 * nginx reads the candidate in a copy of the host's main configuration, with everything else that it includes; both
 * stand beside the original, because nginx takes relative paths from there.
 */
const CHECK = `
check_nginx() {
  if ! program=$(find_program nginx); then fail step-exit 'nginx is not installed'; fi
  if ! find_hook; then
    fail step-exit 'nginx.conf of this host includes nothing at its top level; put the line "include /etc/nginx/modules-enabled/*.conf;" above its events, then retry'
  fi
  trial="$root/etc/nginx/.siteplan-trial"
  rm -rf -- "$trial" "$trial.conf"
  mkdir -m 0700 -- "$trial" || fail_write "$root/etc/nginx" 'the trial of nginx'
  for file in "$root$hook"/*.conf; do
    if [ -f "$file" ] && [ "\${file##*/}" != "\${sp_path##*/}" ]; then ln -s -- "$file" "$trial/\${file##*/}"; fi
  done
  ln -s -- "$new" "$trial/\${sp_path##*/}"
  sed "s|^\\([[:space:]]*include[[:space:]][[:space:]]*\\)$hook/|\\1$trial/|" "$root/etc/nginx/nginx.conf" > "$trial.conf"
  said=$("$program" -t -c "$trial.conf" 2>&1 </dev/null) || refused=yes
  rm -rf -- "$trial" "$trial.conf"
}
check_keepalived() {
  if ! program=$(find_program keepalived); then fail step-exit 'keepalived is not installed'; fi
  said=$("$program" --config-test --log-console --use-file "$new" 2>&1 </dev/null) || refused=yes
}
refused=no
case "$sp_program" in nginx) check_nginx ;; *) check_keepalived ;; esac
if [ "$refused" = yes ]; then
  printf '%s\\n' "$said" | tail -n 30
  fail step-exit "$sp_program refuses the new $sp_path; the old one was left as it is"
fi
note "$sp_program accepts the new $sp_path"
`;

const LINK = `
if [ "$sp_program" = nginx ] && ! is_linked >/dev/null; then
  ln -sfn -- "$sp_path" "$root$hook/\${sp_path##*/}"
  note "linked it into $hook"
fi
if [ "$sp_program" = nginx ]; then
  if [ "$hook" = "\${sp_path%/*}" ]; then drop_stamps ${NGINX_LINK_STAMP}; else write_stamp ${NGINX_LINK_STAMP} linked; fi
fi
`;

/** Puts a file of a load balancer in place like `file.put`, but only once its own program has accepted it. */
export const lbPut = defineStepKind({
  kind: 'lb.put',
  params: LbPutParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, toFileAct(CHECK.replace(/^\n/, '')), LINK),
  verify: toVerify(SHARED),
  timeoutS: 120,
  uninterruptible: null,
  toTitle: ({ path }) => `Write ${path}`,
  toVariables: (params) => ({ ...toFileVariables(params), program: params.program }),
  toPayload: ({ content }) => content,
  toSecrets: ({ secrets }) => secrets,
});
