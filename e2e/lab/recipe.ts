/**
 * What is inside a lab host: Debian packages and one shell script that is run in the new root file system.
 * Any change here changes the recipe's hash, and with it the root file system is made again.
 */
export const labPackages = [
  // the system
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'netbase',
  'util-linux',
  'procps',
  'kmod',
  'less',
  'passwd',
  // getting in and around
  'openssh-server',
  'sudo',
  'ca-certificates',
  'curl',
  'openssl',
  'tar',
  'gzip',
  'zstd',
  'python3',
  // network
  'iproute2',
  'iputils-ping',
  'nftables',
  'iptables',
  'conntrack',
  'ethtool',
  'socat',
  // load balancers
  'nginx-light',
  'libnginx-mod-stream',
  'keepalived',
  // what the stand-in rke2 is made of
  'nodejs',
  'etcd-server',
  'etcd-client',
  'kubernetes-client',
] as const;

/** Folders of packages that a lab host has no use for. */
export const excludedPaths = [
  '/usr/share/man/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/info/*',
];

/**
 * Makes the packages into a bare host: their services are there but off, no keys, no identity, three users.
 * `opspw` gets its password per lab.
 */
export const customiseScript = `set -eu
cd /
for unit in nginx keepalived etcd nftables conntrackd; do
  systemctl disable --quiet "$unit.service" 2>/dev/null || true
done
systemctl enable --quiet ssh.service systemd-networkd.service
systemctl mask --quiet console-getty.service apt-daily.timer apt-daily-upgrade.timer \\
  dpkg-db-backup.timer systemd-networkd-wait-online.service e2scrub_all.timer fstrim.timer
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/resolv.conf /etc/nginx/sites-enabled/default
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
printf 'LANG=C.UTF-8\\n' > /etc/default/locale
mkdir -p /var/lib/dbus /var/log/journal
ln -s /etc/machine-id /var/lib/dbus/machine-id
id ops >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ops
id opspw >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups sudo opspw
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\\n' > /etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\\nPasswordAuthentication yes\\n' > /etc/ssh/sshd_config.d/10-lab.conf
printf 'PS1="\\\\u@\\\\h:\\\\w\\\\$ "\\n' >> /root/.bashrc
rm -rf /etc/apt/auth.conf /etc/apt/auth.conf.d/* /etc/apt/apt.conf.d/99mmdebstrap /var/cache/apt/* /var/lib/apt/lists/*
`;
