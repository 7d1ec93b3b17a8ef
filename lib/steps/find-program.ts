/** `find_program NAME`: where it is installed below the root, which need not be on a login's PATH; 1 where it is not. */
export const FIND_PROGRAM = `
find_program() {
  for at in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    if [ -x "$root$at/$1" ]; then printf '%s' "$root$at/$1"; return 0; fi
  done
  return 1
}
`;
