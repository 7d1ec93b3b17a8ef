/** The texts of the release tarball besides the program, with the properties that RKE2's own have (facts 1.2, 1.4). */

/** A unit of RKE2: ready by notification, never timed out while starting, its pods left alone when it stops. */
function unit(role: 'server' | 'agent', other: 'server' | 'agent'): string {
  return `[Unit]
Description=Stand-in for Rancher Kubernetes Engine v2 (${role})
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-/usr/local/lib/systemd/system/%N.env
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecCondition=/bin/sh -c 'if systemctl is-active --quiet rke2-${other}.service; then echo "Error: rke2-${other} is running!"; exit 1; fi'
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/rke2 ${role}
ExecStopPost=-/bin/sh -c "systemd-cgls /system.slice/%n | grep -Eo '[0-9]+ (containerd|kubelet)' | awk '{print $1}' | xargs -r kill"
`;
}

/** Ends everything that stopping the service leaves running, and takes its mounts, links and rules away. */
const killallScript = `#!/bin/sh
# stand-in: ends the services, the pods under their shims, and what they left on the host
[ "$(id -u)" -eq 0 ] || { echo "$(basename "$0"): must be run as root" >&2; exit 1; }
data=\${RKE2_DATA_DIR:-/var/lib/rancher/rke2}

systemctl stop rke2-server.service 2>/dev/null
systemctl stop rke2-agent.service 2>/dev/null

tree() {
  echo "$1"
  for child in $(ps -o pid= --ppid "$1"); do tree "$child"; done
}
for shim in $(ps -e -ww -o pid= -o args= | grep "[ ]$data/data/[^/]*/bin/containerd-shim" | awk '{print $1}'); do
  kill -9 $(tree "$shim") 2>/dev/null
done

for place in /run/k3s /var/lib/kubelet/pods /run/netns/cni-; do
  for mounted in $(awk -v p="$place" 'index($2, p) == 1 {print $2}' /proc/self/mounts | sort -r); do
    umount -- "$mounted" && rm -rf --one-file-system -- "$mounted"
  done
done
rm -rf /run/k3s/containerd

for link in cni0 flannel.1 vxlan.calico cilium_vxlan cilium_net cilium_wg0 kube-ipvs0; do
  ip link delete "$link" 2>/dev/null
done

for pod in etcd kube-apiserver kube-controller-manager cloud-controller-manager kube-scheduler kube-proxy; do
  rm -f "$data/agent/pod-manifests/$pod.yaml"
done

for tables in iptables ip6tables; do
  command -v "$tables-save" >/dev/null || continue
  "$tables-save" | grep -v -e KUBE- -e CNI- -e cali -e CILIUM_ -e flannel | "$tables-restore"
done
exit 0
`;

/** Runs the killall script, then removes data, configuration and program. */
const uninstallScript = `#!/bin/sh
# stand-in: removes what was installed and everything that it made
[ "$(id -u)" -eq 0 ] || { echo "$(basename "$0"): must be run as root" >&2; exit 1; }
data=\${RKE2_DATA_DIR:-/var/lib/rancher/rke2}
prefix=\${INSTALL_RKE2_ROOT:-/usr/local}

[ ! -e "$(dirname "$0")/rke2-killall.sh" ] || "$(dirname "$0")/rke2-killall.sh"
systemctl disable rke2-server rke2-agent 2>/dev/null
systemctl reset-failed rke2-server rke2-agent 2>/dev/null
find "$prefix/lib/systemd/system" /etc/systemd/system \\( -name 'rke2-*.service' -o -name 'rke2-*.env' \\) -delete 2>/dev/null
systemctl daemon-reload
rm -f "$prefix/bin/rke2" "$prefix/bin/rke2-killall.sh"
rm -rf "$prefix/share/rke2"
rm -rf /etc/rancher/rke2 /etc/rancher/node /etc/cni /opt/cni/bin /var/lib/cni /var/log/pods /var/log/containers
rmdir /etc/rancher 2>/dev/null
rm -rf --one-file-system /var/lib/kubelet
rm -rf -- "$data" || exit 1
rmdir /var/lib/rancher 2>/dev/null
rm -f "$prefix/bin/rke2-uninstall.sh"
`;

const cisSysctl = 'vm.panic_on_oom=0\nvm.overcommit_memory=1\nkernel.panic=10\nkernel.panic_on_oops=1\n';

export interface PackageFile {
  path: string;
  mode: number;
  text: string;
}

/** Everything in the tarball except bin/rke2, by path below the prefix. */
export const packageFiles: readonly PackageFile[] = [
  { path: 'bin/rke2-killall.sh', mode: 0o755, text: killallScript },
  { path: 'bin/rke2-uninstall.sh', mode: 0o755, text: uninstallScript },
  { path: 'lib/systemd/system/rke2-server.service', mode: 0o644, text: unit('server', 'agent') },
  { path: 'lib/systemd/system/rke2-agent.service', mode: 0o644, text: unit('agent', 'server') },
  { path: 'lib/systemd/system/rke2-server.env', mode: 0o644, text: 'HOME=/root\n' },
  { path: 'lib/systemd/system/rke2-agent.env', mode: 0o644, text: 'HOME=/root\n' },
  { path: 'share/rke2/rke2-cis-sysctl.conf', mode: 0o644, text: cisSysctl },
];
