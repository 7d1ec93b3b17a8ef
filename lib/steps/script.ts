/**
 * What every script of a step begins with. `sp_root` is empty on a host; tests (and an installation into a mounted
 * root file system) set it, and every path is below it. Stamps say what a running thing was made from; they live in
 * root's own directory.
 */
const PRELUDE = `set -eu
LC_ALL=C
PATH="\${sp_root:+$sp_root/bin:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL PATH
root=\${sp_root:-}
state="$root/var/lib/siteplan-host"
note() { printf '%s\\n' "$*"; }
fail() { code=$1; shift; printf 'siteplan-failure %s %s\\n' "$code" "$*" >&2; exit 1; }
# fail_write DIRECTORY WHAT [PART]: names why a write below DIRECTORY failed, from how its file system stands. PART is
# what was written of it; it goes first, or a full disk would swallow these very words.
fail_write() {
  at=$1
  while [ ! -d "$at" ] && [ "$at" != "\${at%/*}" ]; do at=\${at%/*}; done
  at=\${at:-/}
  where=\${at#"$root"}
  where=\${where:-/}
  if [ ! -w "$at" ]; then fail read-only-filesystem "$where cannot be written, so $2 was not"; fi
  room=$(df -Pk -- "$at" 2>/dev/null | { read -r _ && read -r _ _ _ room _ && printf '%s' "$room"; }) || room=
  files=$(df -Pi -- "$at" 2>/dev/null | { read -r _ && read -r _ all _ files _ && [ "$all" != 0 ] && printf '%s' "$files"; }) || files=
  if [ -n "\${3:-}" ]; then rm -rf -- "$3"; fi
  if [ "$files" = 0 ]; then fail disk-full "$where has no room for another file, so $2 was not written"; fi
  case $room in ''|*[!0-9]*) ;; *) if [ "$room" -lt 1024 ]; then fail disk-full "$where has no room for $2 ($room KiB left)"; fi ;; esac
  fail step-exit "$2 could not be written in $where"
}
output() { printf 'siteplan-output %s %s\\n' "$1" "$2"; }
# hash_file FILE: sets \`hashed\`; hash_of prints it, at the price of another process.
hash_file() { hashed=$(sha256sum < "$1"); hashed=\${hashed%% *}; }
hash_of() { hash_file "$1"; printf '%s' "$hashed"; }
make_state_dir() { (umask 077; mkdir -p "$state/$1"); }
settle() { sync "$1" 2>/dev/null || sync; }
read_stamp() { if [ -f "$state/stamps/$1" ]; then cat "$state/stamps/$1"; fi; }
write_stamp() {
  make_state_dir stamps
  (umask 077; printf '%s\\n' "$2" > "$state/stamps/.$1.new")
  settle "$state/stamps/.$1.new"
  mv -f "$state/stamps/.$1.new" "$state/stamps/$1"
}
drop_stamps() {
  if [ -z "$1" ]; then return 0; fi
  printf '%s\\n' "$1" | while IFS= read -r stamp; do
    if [ -n "$stamp" ]; then rm -f "$state/stamps/$stamp" "$state/starting/$stamp"; fi
  done
}
seconds_up() { read -r up _ < /proc/uptime; printf '%s' "\${up%%.*}"; }
`;

/** A whole constant script from its body; `body` may use the functions of the prelude. */
export function toScript(...bodies: readonly string[]): string {
  return `${PRELUDE}${bodies.map((body) => body.replace(/^\n+/, '')).join('')}`;
}

/** Exit 0 or 10 from a shell function `is_so` of `shared`, which says on standard output what differs. */
export function toProbe(shared: string): string {
  return toScript(shared, 'if is_so; then exit 0; fi\nexit 10\n');
}

/** Exit 0 or a failure from the same `is_so`. */
export function toVerify(shared: string, outputs = ''): string {
  return toScript(shared, 'if ! what=$(is_so); then fail verify-failed "$what"; fi\n', outputs);
}
