import { z } from 'zod';
import { FIND_PROGRAM } from './find-program';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

/** Stamp of a load balancer's programs; its value says which. */
export const LB_PACKAGES_STAMP = 'lb-packages';

export const LbPackagesParams = z.strictObject({
  /** Beside nginx with its stream module; needed where a virtual IP moves. */
  keepalived: z.boolean(),
});
export type LbPackagesParams = z.infer<typeof LbPackagesParams>;

/** Value of the stamp: what the host was seen to have. */
export function toLbPackagesStamp({ keepalived }: LbPackagesParams): string {
  return keepalived ? 'nginx-keepalived' : 'nginx';
}

/** The stream module is built in, or a file of its own that a package of its own brings (`nginx -V`). */
const SHARED = `${FIND_PROGRAM}
has_stream() {
  built=$("$1" -V 2>&1 </dev/null | tr '\\n' ' ') || return 1
  case " $built " in
    *' --with-stream '*) return 0 ;;
    *' --with-stream=dynamic '*) ;;
    *) return 1 ;;
  esac
  folder=\${built##*--modules-path=}
  folder=\${folder%% *}
  case "$folder" in /*) [ -f "$root$folder/ngx_stream_module.so" ] ;; *) return 1 ;; esac
}
find_missing() {
  missing=
  if ! nginx=$(find_program nginx); then missing=' nginx stream'
  elif ! has_stream "$nginx"; then missing=' stream'
  fi
  if [ "$sp_keepalived" = yes ] && ! find_program keepalived >/dev/null; then missing="$missing keepalived"; fi
}
is_so() {
  find_missing
  if [ -n "$missing" ]; then note "missing:$missing"; return 1; fi
  if [ "$(read_stamp ${LB_PACKAGES_STAMP})" != "$sp_stamp" ]; then note 'not looked for yet'; return 1; fi
}
`;

/** Package names: Debian and Ubuntu, Fedora and EL, openSUSE and SLES (whose nginx has the module in itself). */
const ACT = `
name_packages() {
  packages=
  for part in $missing; do
    case "$1 $part" in
      'apt stream') packages="$packages libnginx-mod-stream" ;;
      'dnf stream') packages="$packages nginx-mod-stream" ;;
      'zypper stream') ;;
      *) packages="$packages $part" ;;
    esac
  done
}
# Addresses of repositories may hold a password.
show() { tail -n 30 "$log" | sed -e 's|//[^/@ ]*@|//|g' | cut -c 1-400; }
try() { status=0; "$@" >"$log" 2>&1 </dev/null || status=$?; }
explain() {
  show
  case "$(cat "$log")" in
    *'ould not get lock'*|*'frontend lock'*|*'management is locked'*)
      fail package-lock-held 'another program is installing packages on this host; wait for its end, then retry' ;;
    *'o space left on device'*|*'enough free space'*|*'needs more space'*|*'nsufficient space'*)
      fail disk-full 'there is no room for the packages of a load balancer; make room, then retry' ;;
    *'nable to locate package'*|*'no installation candidate'*|*'o match for argument'*|*'nable to find a match'*|*'o provider of'*|*'not found in package names'*)
      fail download-failed "no package repository of this host has$packages; $advice" ;;
    *'esolving'*|*'ould not resolve'*|*'ould not connect'*|*'ailed to fetch'*|*'annot download'*|*'ailed to download'*|*'url error'*|*'imed out'*|*'ownload (curl) error'*)
      fail download-failed "$packages could not be fetched; $advice" ;;
  esac
  fail step-exit "the package manager ended with $status; $advice"
}
install_missing() {
  advice="give this host a package repository that it reaches, or install$missing by hand, then retry"
  make_state_dir packages
  log="$state/packages/log"
  if tool=$(find_program apt-get); then
    name_packages apt
    note "installing$packages with apt-get"
    # A package manager that was cut by a reboot wants this first.
    if dpkg=$(find_program dpkg); then DEBIAN_FRONTEND=noninteractive try "$dpkg" --configure -a; fi
    set -- -q -y -o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 -o Acquire::Retries=2
    try "$tool" "$@" update
    if [ "$status" != 0 ]; then note 'the lists of packages could not be renewed:'; show; fi
    DEBIAN_FRONTEND=noninteractive try "$tool" "$@" --no-install-recommends install $packages
  elif tool=$(find_program dnf) || tool=$(find_program yum); then
    name_packages dnf
    note "installing$packages with \${tool##*/}"
    try "$tool" -y install $packages
  elif tool=$(find_program zypper); then
    name_packages zypper
    note "installing$packages with zypper"
    if [ -z "$packages" ]; then fail step-exit "the nginx of this host was built without its stream module; replace it, then retry"; fi
    try "$tool" --non-interactive install $packages
  else
    fail step-exit "there is neither apt-get nor dnf, yum or zypper on this host; install$missing by hand, then retry"
  fi
  if [ "$status" != 0 ]; then explain; fi
  show
  rm -rf "$state/packages"
  find_missing
  if [ -n "$missing" ]; then fail step-exit "still missing after the installation:$missing; install it by hand, then retry"; fi
}
find_missing
if [ -z "$missing" ]; then note 'everything is installed already'; else install_missing; fi
write_stamp ${LB_PACKAGES_STAMP} "$sp_stamp"
`;

/**
 * Sees that nginx with its stream module, and keepalived where wanted, are installed; the host's own package manager
 * brings what is missing. Debian starts nginx as it installs it, with its own page on port 80; that is left alone.
 */
export const lbPackages = defineStepKind({
  kind: 'lb.packages',
  params: LbPackagesParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED),
  timeoutS: 900,
  uninterruptible: 'a package manager that is cut leaves half-configured packages',
  toTitle: ({ keepalived }) => (keepalived ? 'Install nginx and keepalived' : 'Install nginx'),
  toVariables: (params) => ({
    keepalived: params.keepalived ? 'yes' : 'no',
    stamp: toLbPackagesStamp(params),
  }),
});
