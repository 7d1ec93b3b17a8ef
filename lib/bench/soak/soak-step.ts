import { z } from 'zod';
import { defineStepKind, type StepKind } from '@/lib/steps/step-kind';
import { findTestKind } from '@/lib/testing/ledger-step';

export const SoakParams = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Lines that the act prints, each with a counter. */
  lines: z.int().default(3),
  /** Pause after each line, seconds with a fraction. */
  pauseS: z.string().default('0'),
  /** What the act prints besides: that many bytes of numbered lines, of one line, or of no text at all. */
  floodKind: z.enum(['lines', 'one-line', 'junk']).default('lines'),
  floodBytes: z.int().default(0),
  /** The act does not hear TERM. */
  isDeaf: z.boolean().default(false),
});
export type SoakParams = z.input<typeof SoakParams>;

/*
 * What a step leaves below the root of its host, all of it the step's own doing and none of the engine's:
 *
 *   ledger               "begin NAME EPOCH" and "end NAME EPOCH" of every act, the epoch read from the fence
 *   said/NAME            what the newest act of the step has printed, byte for byte
 *   done/NAME            the act has ended; probe and verify look for it
 *   hold.PART.NAME       as long as it is there the part waits, after it has made at.PART.NAME
 */
const BEGIN = `set -eu
done="$sp_root/done/$sp_name"
hold() {
  [ -f "$sp_root/hold.$1.$sp_name" ] || return 0
  : > "$sp_root/at.$1.$sp_name"
  while [ -f "$sp_root/hold.$1.$sp_name" ]; do sleep 0.05; done
}
`;

const ACT = `${BEGIN}read -r owner epoch < "$sp_root/var/lib/siteplan-host/fence"
mkdir -p "$sp_root/said" "$sp_root/done"
said="$sp_root/said/$sp_name"
: > "$said"
echo "begin $sp_name $epoch" >> "$sp_root/ledger"
[ "$sp_deaf" = false ] || trap '' TERM
hold act
if [ "$sp_flood_bytes" -gt 0 ]; then
  case $sp_flood_kind in
    lines) awk -v bytes="$sp_flood_bytes" 'BEGIN {
      for (at = 0; at < 384; at++) text = text "x"
      for (sent = 0; sent < bytes; sent += 400) printf "%014d %s\\n", ++n, text }' | tee -a "$said" ;;
    one-line) { head -c "$sp_flood_bytes" /dev/zero | tr '\\000' x; echo; } | tee -a "$said" ;;
    junk) { printf '\\000\\033[31mred\\033[0m \\033]0;title\\007 \\033[2J \\302\\233 \\342\\200\\256\\n'; head -c "$sp_flood_bytes" /dev/urandom; echo; } | tee -a "$said" ;;
  esac
fi
n=0
while [ "$n" -lt "$sp_lines" ]; do
  n=$((n + 1))
  printf '%s %06d line\\n' "$sp_name" "$n"
  printf '%s %06d line\\n' "$sp_name" "$n" >> "$said"
  [ "$sp_pause" = 0 ] || sleep "$sp_pause"
done
: > "$done"
echo "end $sp_name $epoch" >> "$sp_root/ledger"
`;

function defineSoakStep(kind: string, uninterruptible: string | null): StepKind {
  return defineStepKind({
    kind,
    params: SoakParams,
    probe: `${BEGIN}hold probe\nif [ -f "$done" ]; then exit 0; fi\nexit 10\n`,
    act: ACT,
    verify: `${BEGIN}hold verify\n[ -f "$done" ]\n`,
    timeoutS: 300,
    uninterruptible,
    toTitle: ({ name }) => `Note ${name}`,
    toVariables: ({ name, lines, pauseS, floodKind, floodBytes, isDeaf }) => ({
      name,
      lines: String(lines),
      pause: pauseS,
      flood_kind: floodKind,
      flood_bytes: String(floodBytes),
      deaf: String(isDeaf),
    }),
  });
}

const KINDS: Readonly<Record<string, StepKind>> = {
  'soak.step': defineSoakStep('soak.step', null),
  'soak.uncut': defineSoakStep('soak.uncut', 'half of it would be worse than none'),
};

/** The kinds of the soaks, those of the tests, and the real catalogue. */
export function findSoakKind(kind: string): StepKind | null {
  return KINDS[kind] ?? findTestKind(kind);
}
