import { z } from 'zod';
import { toProbe, toScript, toVerify } from './script';
import { defineStepKind } from './step-kind';

export const Rke2UninstallParams = z.strictObject({});
export type Rke2UninstallParams = z.infer<typeof Rke2UninstallParams>;

const SHARED = `
is_so() {
  for left in /usr/local/bin/rke2 /opt/rke2/bin/rke2 /etc/rancher/rke2 /var/lib/rancher/rke2; do
    if [ -e "$root$left" ]; then note "$left is still there"; return 1; fi
  done
  if [ -d "$state/stamps" ] && [ -n "$(ls -A "$state/stamps")" ]; then note 'stamps of this cluster are left'; return 1; fi
  if [ -e "$state/artifacts" ] || [ -e "$state/incoming" ]; then note 'downloads for this cluster are left'; return 1; fi
}
`;

/**
 * The uninstall script removes itself even when it fails half way (RKE2 bundle/bin/rke2-uninstall.sh traps EXIT), so
 * both scripts are copied first and run from the copy: a cut act can run again. What was downloaded goes too (1 GB and
 * more of an air-gapped site). Fence, runner and journals of acts stay: they say whose host it is, and this act runs by them.
 */
const ACT = `
if [ -x "$root/usr/bin/rke2" ]; then fail step-exit '/usr/bin/rke2 belongs to a package; remove RKE2 with the package manager'; fi
copy="$state/uninstall"
make_state_dir uninstall
prefix=/usr/local
if [ -f "$copy/prefix" ]; then prefix=$(cat "$copy/prefix"); fi
for from in /usr/local /opt/rke2; do
  if [ -f "$root$from/bin/rke2-uninstall.sh" ]; then
    prefix=$from
    printf '%s\\n' "$from" > "$copy/prefix"
    for name in rke2-killall.sh rke2-uninstall.sh; do
      if [ -f "$root$from/bin/$name" ]; then
        cp "$root$from/bin/$name" "$copy/.$name.new"
        chmod 0700 "$copy/.$name.new"
        mv -f "$copy/.$name.new" "$copy/$name"
      fi
    done
  fi
done
for unit in rke2-server.service rke2-agent.service; do drop_stamps "$unit"; done
run_script() {
  if [ ! -f "$copy/$1" ]; then note "there is no $1 on this host"; return 0; fi
  note "running $1"
  status=0
  INSTALL_RKE2_ROOT="$root$prefix" sh "$copy/$1" </dev/null >"$copy/log" 2>&1 || status=$?
  tail -n 40 "$copy/log"
  if [ "$status" != 0 ]; then fail step-exit "$1 ended with $status"; fi
}
run_script rke2-killall.sh
run_script rke2-uninstall.sh
while read -r _ at _; do
  case "$at" in "$root"/var/lib/rancher/rke2/*) fail step-exit 'something is still mounted below /var/lib/rancher/rke2; reboot the host and retry' ;; esac
done < /proc/mounts
for left in /usr/local/bin/rke2 /opt/rke2/bin/rke2 /etc/rancher/rke2 /etc/rancher/node /var/lib/rancher/rke2; do
  if [ -e "$root$left" ]; then note "removing $left"; rm -rf "$root$left"; fi
done
rm -rf "$state/stamps" "$state/starting" "$state/artifacts" "$state/incoming" "$state/nodes-label" "$copy"
note 'RKE2 is gone; reboot before this host joins another cluster: maps of Cilium stay in the kernel'
`;

/** Ends everything of RKE2 on the host and removes it with its own scripts, killall first (RKE2 docs install/uninstall). */
export const rke2Uninstall = defineStepKind({
  kind: 'rke2.uninstall',
  params: Rke2UninstallParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, ACT),
  verify: toVerify(SHARED, 'output reboot_advised yes\n'),
  timeoutS: 900,
  uninterruptible: 'a half-removed RKE2 neither runs nor installs again',
  toTitle: () => 'Uninstall RKE2',
  toVariables: () => ({}),
});
