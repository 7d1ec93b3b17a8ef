import { createHash, randomBytes } from 'node:crypto';
import type { FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';
import type { HostConnection } from '@/lib/ssh/connect-host';
import type { FramedShell, ScriptCall, ScriptResult } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import { RUNNER_SCRIPT } from './runner-script';
import { findTelltale } from './step-failure';

/** Exit codes of the runner that refuse (runner-script.ts). */
const REFUSALS: Readonly<Record<number, FailureCode>> = {
  75: 'stale-epoch',
  76: 'foreign-installation',
  77: 'host-locked',
};
const CALL_TIMEOUT_MS = 60_000;

export const RUNNER_HASH = createHash('sha256').update(RUNNER_SCRIPT).digest('hex').slice(0, 12);

/** Puts the runner in place, in root's own directory, and raises the fence. */
const PREPARE_SCRIPT = `umask 077
base="$sp_root/var/lib/siteplan-host"
if [ -L "$base" ]; then echo "$base is a symbolic link" >&2; exit 78; fi
mkdir -p "$base/acts" && chmod 700 "$base" || exit 78
if [ "$(stat -c %u "$base")" != "$(id -u)" ]; then echo "$base belongs to another user" >&2; exit 78; fi
if [ -f "$sp_runner" ]; then cat >/dev/null
else cat > "$sp_runner.$$" && { sync "$sp_runner.$$" 2>/dev/null || sync; } && mv -f "$sp_runner.$$" "$sp_runner" ||
  { rm -f "$sp_runner.$$"; exit 78; }
fi
set -- prepare "$sp_run"
. "$sp_runner"`;

/**
 * The act, and where it has ended well its verify, in one call. The runner has a shell of its own, so that the verify
 * meets nothing of it; what comes after the mark on either output is the verify's.
 */
const PERFORM_SCRIPT = `(set -- perform "$sp_key"; . "$sp_runner")
siteplan_code=$?
[ "$siteplan_code" = 99 ] || exit "$siteplan_code"
printf '\\n%s\\n' "$sp_mark"; printf '\\n%s\\n' "$sp_mark" >&2
eval "$sp_params$sp_verify"`;
/** Exit codes of \`perform\`: the act was started by it and has ended, badly or well. */
const ENDED_BADLY = 98;
/** As much of a journal as \`perform\` hands over. */
export const HEAD_BYTES = 65_536;
/** Larger inputs come as a payload. */
const MAX_INLINE_BYTES = 32 * 1024;
/** Lock, start, grace time and verify, beside the act's own limit. */
const PERFORM_EXTRA_S = 300;
const STATUS_SCRIPT = 'set -- status "$sp_key"; . "$sp_runner"';
const FOLLOW_SCRIPT = 'set -- follow "$sp_key" "$sp_offset"; . "$sp_runner"';
const CANCEL_SCRIPT = 'set -- cancel "$sp_key"; . "$sp_runner"';
const CLEAN_SCRIPT = 'set -- clean "$sp_run"; . "$sp_runner"';

/** Where an act stands on its host; `runner-script.ts` has the picture. */
export interface ActStatus {
  readonly state: 'absent' | 'ready' | 'running' | 'finished' | 'interrupted';
  /** Exit code of the act once finished. */
  readonly exitCode: number | null;
  readonly reason: 'exit' | 'timeout' | 'cancel' | null;
  /** Bytes in the journal. */
  readonly sizeBytes: number;
  /** Interrupted by a reboot of the host. */
  readonly rebooted: boolean;
  readonly bootId: string;
}

export interface Act {
  /** `toActKey` of run, step and attempt. */
  readonly key: string;
  /** Assignments that stand before the script. */
  readonly params: string;
  readonly script: string;
  /** Standard input of the act, secrets filled in. */
  readonly input: string;
  readonly limitS: number;
  /** Sh text that checks the effect, under the same parameters. */
  readonly verify: string;
}

/** What one \`perform\` saw. */
export interface Performed {
  readonly status: ActStatus;
  /** The first HEAD_BYTES of the journal; null when the act was started by an earlier call. */
  readonly head: Buffer | null;
  /** Null unless this call started the act and it has ended well. */
  readonly verified: ScriptResult | null;
}

/** The runner of one host under one epoch. Methods reject with HostError; `start` and `cancel` are fenced. */
export interface HostRunner {
  readonly bootId: string;
  /** Keys of the run's acts that were on the host when it was prepared; later ones are ours. */
  readonly foundKeys: ReadonlySet<string>;
  /** Starts the act and waits for its end, or says where it stands if this key was started before. */
  readonly perform: (act: Act) => Promise<Performed>;
  readonly status: (key: string) => Promise<ActStatus>;
  /**
   * Hands over the journal from `offset` on until the act has ended and every byte is out, and says how it ended.
   * Holds the host back while `onData` is pending.
   */
  readonly follow: (
    key: string,
    offset: number,
    onData: (chunk: Buffer) => void | Promise<void>,
  ) => Promise<ActStatus>;
  /** TERM, then KILL after 10 s, to everything of the act; resolves when nothing of it runs. */
  readonly cancel: (key: string) => Promise<ActStatus>;
  /** Removes what the run left behind, once its log is stored. */
  readonly clean: (runId: string) => Promise<void>;
}

export interface RunnerIdentity {
  readonly installationId: string;
  readonly epoch: bigint;
  /** Whose acts are looked for on the host; none when absent. */
  readonly runId?: string;
  /** Empty on a host; a directory below which every path is, for tests. */
  readonly root: string;
}

/** The name of one attempt's act on its host, `RUN.STEP.ATTEMPT`: a key never starts twice. */
export function toActKey(runId: string, stepId: string, attempt: number): string {
  return `${runId}.${stepId}.${attempt}`;
}

const STATUS_LINE =
  /^state=(absent|ready|running|finished|interrupted) code=(-|\d{1,3}) reason=(-|exit|timeout|cancel) size=(\d{1,15}) rebooted=([01]) boot=([A-Za-z0-9-]{1,64})$/m;

function parseStatus(text: string): ActStatus {
  const match = STATUS_LINE.exec(text);
  if (!match) throw new Error(`the runner said something else: ${toSafeLine(text, 200)}`);
  const [, state, code, reason, size, rebooted, bootId = ''] = match;
  return {
    state: state as ActStatus['state'], // the expression lists exactly these
    exitCode: code === '-' ? null : Number(code),
    reason: reason === '-' ? null : (reason as ActStatus['reason']), // likewise
    sizeBytes: Number(size),
    rebooted: rebooted === '1',
    bootId,
  };
}

const WORDS: Partial<Record<FailureCode, (host: string) => readonly [string, string]>> = {
  'stale-epoch': (host) => [
    `${host} has been worked on under a newer epoch than this worker knows.`,
    'Nothing to do: the newer worker goes on.',
  ],
  'foreign-installation': (host) => [
    `${host} belongs to another Siteplan installation, so nothing was changed on it.`,
    'Manage it from there. If that installation is gone, release the host on the host itself: sudo rm /var/lib/siteplan-host/fence',
  ],
  'host-locked': (host) => [
    `Something that Siteplan started earlier still runs on ${host}.`,
    'Wait until it has ended, then try again.',
  ],
  'disk-full': (host) => [`${host} has no room left in /var/lib.`, 'Free space on the host, then try again.'],
  'read-only-filesystem': (host) => [
    `/var/lib on ${host} is read-only.`,
    'Look for disk errors on the host and mount it writable, then try again.',
  ],
};

/** What a refusing or failing runner means, in words. */
function toRunnerError(host: string, exitCode: number, stderr: string): HostError {
  const said = findTelltale(stderr)?.code;
  const code = REFUSALS[exitCode] ?? (said && WORDS[said] ? said : 'internal');
  const [message, nextAction] = WORDS[code]?.(host) ?? [
    `The runner on ${host} ended with ${exitCode}: ${toSafeLine(stderr.trim(), 300)}`,
    'Look at /var/lib/siteplan-host on the host.',
  ];
  const hostEpoch = code === 'stale-epoch' ? /is older than (\d{1,19})/.exec(stderr)?.[1] : undefined;
  return new HostError({ code, message, nextAction, hostEpoch }, { cause: new Error(stderr) });
}

/** Reads the answer of `perform`; null when the runner refused or failed. */
function splitPerformed(result: ScriptResult, mark: string): Performed | null {
  const line = Buffer.from(`\n${mark}\n`);
  const { exitCode, stdout, stderr } = result;
  const at = stdout.indexOf(line);
  if (at < 0 && exitCode !== 0 && exitCode !== ENDED_BADLY) return null;
  const parsed = parseStatus(stderr.toString('utf8'));
  if (exitCode === 0 && at < 0) return { status: parsed, head: null, verified: null };
  const head = at < 0 ? stdout : stdout.subarray(0, at);
  const status = { ...parsed, sizeBytes: head.length };
  if (at < 0) return { status, head, verified: null };
  const errAt = stderr.indexOf(line);
  const verified = {
    ...result,
    stdout: stdout.subarray(at + line.length),
    stderr: errAt < 0 ? stderr : stderr.subarray(errAt + line.length),
  };
  return { status, head, verified };
}

/**
 * Installs the runner where it is not there yet and raises the host's fence to this epoch: from then on nothing of an
 * older worker starts. Rejects with HostError `stale-epoch`, `foreign-installation`, `host-locked`, ...
 */
export async function prepareRunner(
  connection: HostConnection,
  shell: FramedShell,
  identity: RunnerIdentity,
): Promise<HostRunner> {
  const { root, installationId: installation, epoch } = identity;
  const common = {
    root,
    runner: `${root}/var/lib/siteplan-host/runner-${RUNNER_HASH}`,
    installation,
    epoch: epoch.toString(),
  };
  const call = async (
    script: string,
    variables: Readonly<Record<string, string>>,
    options: Partial<ScriptCall> = {},
    through: FramedShell = shell,
  ): Promise<ScriptResult> =>
    through.run({ script, variables: { ...common, ...variables }, timeoutMs: CALL_TIMEOUT_MS, ...options });
  const ask = async (...args: Parameters<typeof call>): Promise<string> => {
    const result = await call(...args);
    if (result.exitCode === 0) return result.stdout.toString('utf8');
    throw toRunnerError(connection.name, result.exitCode, result.stderr.toString('utf8'));
  };
  // A channel of its own for as long as the connection stands: opening one costs a login on the host each time.
  const journalShell = connection.openShell();
  const found = await ask(PREPARE_SCRIPT, { run: identity.runId ?? '' }, { payload: RUNNER_SCRIPT });
  return {
    bootId: /^boot=(\S+)$/m.exec(found)?.[1] ?? '',
    foundKeys: new Set([...found.matchAll(/^act=(\S+)$/gm)].flatMap(([, key]) => key ?? [])),
    perform: async ({ key, params, script, verify, input, limitS }) => {
      const mark = randomBytes(16).toString('hex');
      const isInline = Buffer.byteLength(input) <= MAX_INLINE_BYTES && !input.includes('\0');
      const variables = { key, params, script, verify, mark, limit_s: String(limitS) };
      const result = await call(PERFORM_SCRIPT, isInline ? { ...variables, input } : variables, {
        ...(isInline ? {} : { payload: input }),
        timeoutMs: (limitS + PERFORM_EXTRA_S) * 1000,
      });
      const performed = splitPerformed(result, mark);
      if (performed) return performed;
      throw toRunnerError(connection.name, result.exitCode, result.stderr.toString('utf8'));
    },
    status: async (key) => parseStatus(await ask(STATUS_SCRIPT, { key })),
    follow: async (key, offset, onData) => {
      const variables = { ...common, key, offset: String(offset) };
      const timeoutMs = Number.POSITIVE_INFINITY;
      const { exitCode, stderr } = await journalShell.run({
        script: FOLLOW_SCRIPT,
        variables,
        onData,
        timeoutMs,
      });
      const said = stderr.toString('utf8');
      if (exitCode !== 0) throw toRunnerError(connection.name, exitCode, said);
      return parseStatus(said);
    },
    cancel: async (key) => {
      // A shell of its own: the step's shell may be waiting for something.
      const own = connection.openShell();
      try {
        return parseStatus(await ask(CANCEL_SCRIPT, { key }, {}, own));
      } finally {
        own.close();
      }
    },
    clean: async (run) => {
      await ask(CLEAN_SCRIPT, { run });
    },
  };
}
