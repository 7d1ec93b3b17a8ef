import { toShellFile } from './shell-file';
import type { Turn } from './to-turns';

const RUN_ALL = `here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
case "$#:\${1:-1}\${2:-1}" in
  [012]:*[!0-9]*|[!012]*) printf 'usage: sh %s [FIRST [LAST]]\\n' "$0" >&2; exit 64 ;;
esac
if [ "$#" = 0 ] && [ -n "$turns" ]; then
  printf '%s\\n' "This host is worked on in several turns, other hosts come between them. See order.txt." "$turns" >&2
  exit 64
fi
first=\${1:-1}
last=\${2:-$count}
stopped=no
trap 'stopped=yes' INT
for script in "$here"/steps/*.sh; do
  [ -f "$script" ] || continue
  name=\${script##*/}
  number=\${name%%-*}
  while [ "\${number#0}" != "$number" ]; do number=\${number#0}; done
  if [ "$number" -lt "$first" ] || [ "$number" -gt "$last" ]; then continue; fi
  if [ "$stopped" = yes ]; then printf 'stopped before step %s of %s\\n' "$number" "$count" >&2; exit 130; fi
  printf '\\n== step %s of %s: %s\\n' "$number" "$count" "$name"
  sh "$script" || {
    printf '\\nStopped at step %s of %s. Mend the cause, then run this again: what is done is passed over.\\n' "$number" "$count" >&2
    exit 1
  }
done
printf '\\nAll steps up to %s of %s are done.\\n' "$last" "$count"
`;

/** Runs a node's steps in their order; where other nodes come in between, only with the numbers of a turn. */
export function toRunAllScript(nodeName: string, turns: readonly Turn[]): string {
  const count = turns.reduce((sum, { steps }) => sum + steps.length, 0);
  const ranges = turns.map((turn) => `  turn ${turn.number}: sh run-all.sh ${toRange(turn)}`).join('\n');
  return toShellFile({
    comments: [
      `Runs the steps of ${nodeName} in their order and stops at the first that fails; safe to run again.`,
      'As root: sh run-all.sh [FIRST [LAST]]',
    ],
    settings: { turns: turns.length > 1 ? ranges : '', count: String(count) },
    body: RUN_ALL,
  });
}

/** `4 9`: the first and the last step of a turn. */
export function toRange({ steps }: Turn): string {
  return `${steps[0]?.number ?? 1} ${steps.at(-1)?.number ?? 0}`;
}

const CHECK = `here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
open=0 failed=0
for script in "$here"/steps/*.sh; do
  [ -f "$script" ] || continue
  said=$(sh "$script" probe 2>&1)
  case $? in
    0) printf 'as wanted  %s\\n' "\${script##*/}"; continue ;;
    10) open=$((open + 1)); word='to do    ' ;;
    *) failed=$((failed + 1)); word='FAILED   ' ;;
  esac
  printf '%s  %s\\n' "$word" "\${script##*/}"
  [ -z "$said" ] || printf '%s\\n' "$said" | sed 's/^/             /'
done
printf '%s of %s steps are to do, %s could not be probed\\n' "$open" "$count" "$failed"
[ "$failed" = 0 ] || exit 1
[ "$open" = 0 ] || exit 10
`;

/** Says of each step of a node whether it is still to do; changes nothing. */
export function toCheckScript(nodeName: string, count: number): string {
  return toShellFile({
    comments: [
      `Probes every step of ${nodeName}; changes nothing.`,
      'Exit 0: all is as wanted, 10: something is to do, 1: a probe failed. As root: sh check.sh',
    ],
    settings: { count: String(count) },
    body: CHECK,
  });
}
