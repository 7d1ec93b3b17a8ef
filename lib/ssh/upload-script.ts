/**
 * Takes a file on standard input, into a partial file beside the target that a later call can go on with:
 *
 *   same            the target already holds these bytes; the end
 *   have N HASH     a partial file holds N bytes with this SHA-256 (0 and `-` when there is none). The host waits for
 *                   `resume` or `restart` on a line where N is not 0, then takes the rest up to the end of input
 *
 * Exit 0: in place, synced. 3: refused by the file system (stderr says why). 4: what arrived has another hash. 5: input
 * ended early; the partial file stays.
 *
 * Each upload writes to a partial file of its own, `.siteplan-upload-SHA256.XXXXXX` (0600, made with O_EXCL), and holds a
 * lock on it while it lives. One whose writer is gone is taken over; one that is locked (another upload, or one whose
 * connection is half open) is only copied from, so two uploads never write to the same file.
 */
export const UPLOAD_SCRIPT = `set -u
LC_ALL=C; export LC_ALL
uid=$(id -u)
dir=\${sp_path%/*}
prefix="$dir/.siteplan-upload-"
# openssl takes a fifth of the time of sha256sum, where the file is worth its start.
if [ "$sp_size" -gt 1000000 ] && command -v openssl >/dev/null 2>&1; then sum() { openssl dgst -sha256 -r; }
else sum() { sha256sum; }
fi
hash_of() { h=$(sum < "$1") && printf '%s' "\${h%% *}"; }
size_of() { n=$(($(wc -c < "$1"))); printf '%s' "$n"; }
own() { { [ -z "$sp_owner" ] || chown -- "$sp_owner" "$1"; } && chmod -- "$sp_mode" "$1"; }
settle() { sync "$1" 2>/dev/null || sync; }
is_same() {
  [ -f "$sp_path" ] && [ ! -L "$sp_path" ] && [ "$(size_of "$sp_path")" = "$sp_size" ] &&
    [ "$(hash_of "$sp_path")" = "$sp_sha256" ]
}
is_partial() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c '%u %a %h' -- "$1" 2>/dev/null)" = "$uid 600 1" ]; }
can_lock=
if command -v flock >/dev/null 2>&1; then can_lock=1; fi
# Opens for appending and looks at what was opened, so that a link that somebody put there meanwhile is not followed.
# Fails where the lock cannot be had: a living writer has the file.
claim() {
  # A redirection of \`exec\` that fails ends a POSIX shell at once; one of \`true\` does not.
  true >>"$1" || return 1
  exec 8>>"$1"
  [ "$(stat -L -c '%u %a %h %d %i' /proc/self/fd/8)" = "$uid 600 1 $(stat -c '%d %i' -- "$1")" ] || return 1
  [ -z "$can_lock" ] || flock -n 8
}
if is_same; then
  own "$sp_path" || exit 3
  echo same; exit 0
fi
(umask 022; mkdir -p -- "$dir") || exit 3
# Long forgotten ones, and those of the time before partial files had names.
find "$dir" -maxdepth 1 -type f -name '.siteplan-upload-*' ! -name ".siteplan-upload-$sp_sha256.*" -user "$uid" -mmin +1440 -exec rm -f -- {} + 2>/dev/null
best= have=0
for file in "$prefix$sp_sha256".??????; do
  is_partial "$file" || continue
  n=$(size_of "$file")
  if [ "$n" -gt "$have" ] && [ "$n" -le "$sp_size" ]; then best=$file have=$n; fi
done
new=
hash=-
if [ -n "$best" ]; then
  if [ -n "$can_lock" ] && claim "$best"; then new=$best; else exec 8>&-; fi
fi
if [ -z "$new" ]; then
  new=$(umask 077; mktemp "$prefix$sp_sha256.XXXXXX") || exit 3
  claim "$new" || exit 3
  if [ "$have" -gt 0 ] && ! head -c "$have" -- "$best" >&8 2>/dev/null; then : > "$new"; fi
fi
have=$(size_of "$new")
if [ "$have" -gt 0 ]; then hash=$(hash_of "$new"); fi
echo "have $have $hash"
if [ "$have" -gt 0 ]; then
  read -r answer || exit 5
  [ "$answer" = resume ] || { : > "$new"; have=0; }
fi
tee=tee
if tee --output-error=exit /dev/null </dev/null >/dev/null 2>&1; then tee='tee --output-error=exit'; fi
# Hashed while it arrives, so that a large file is not read a second time.
take() {
  if [ "$have" -gt 0 ]; then cat -- "$new" >&3 || return 1; fi
  $tee /proc/self/fd/3 >&8
}
got=$({ { take; echo "$?" >&4; } 3>&1 | sum; } 4>&1)
if [ "\${got%%[!0-9]*}" != 0 ]; then rm -f -- "$new"; exit 3; fi
if [ "$(size_of "$new")" -lt "$sp_size" ]; then exit 5; fi
got=\${got#*
}
if [ "\${got%% *}" != "$sp_sha256" ]; then rm -f -- "$new"; exit 4; fi
own "$new" && settle "$new" && mv -f -- "$new" "$sp_path" && settle "$dir" || { is_same || exit 3; }
# Leftovers of the same file are of no use any more; a minute of silence says that nobody writes to them.
find "$dir" -maxdepth 1 -type f -name ".siteplan-upload-$sp_sha256.*" -user "$uid" -mmin +1 -exec rm -f -- {} + 2>/dev/null
exit 0
`;
