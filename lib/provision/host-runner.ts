import { createHash } from 'node:crypto';
import type { FailureCode } from '@/lib/core/failure';
import { toSafeLine } from '@/lib/core/text';
import type { HostConnection } from '@/lib/ssh/connect-host';
import type { FramedShell, ScriptCall } from '@/lib/ssh/framed-shell';
import { HostError } from '@/lib/ssh/host-error';
import { RUNNER_SCRIPT } from './runner-script';

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
else cat > "$sp_runner.$$" && { sync "$sp_runner.$$" 2>/dev/null || sync; } && mv -f "$sp_runner.$$" "$sp_runner" || exit 78
fi
set -- fence
. "$sp_runner"`;

const START_SCRIPT = 'set -- start "$sp_key"; . "$sp_runner"';
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
}

/** The runner of one host under one epoch. Methods reject with HostError; `start` and `cancel` are fenced. */
export interface HostRunner {
  readonly bootId: string;
  /** Starts the act, or says where it stands if this key was started before. */
  readonly start: (act: Act) => Promise<ActStatus>;
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
  /** Empty on a host; a directory below which every path is, for tests. */
  readonly root: string;
}

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
    `${host} is already served by a newer worker; this one stops.`,
    'Nothing to do: the newer worker goes on.',
  ],
  'foreign-installation': (host) => [
    `${host} belongs to another Siteplan installation, so nothing was changed on it.`,
    'Manage it from there, or release the host there first.',
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
  const said = /no space left|disk quota/i.test(stderr)
    ? 'disk-full'
    : /read-only file system/i.test(stderr)
      ? 'read-only-filesystem'
      : undefined;
  const code = REFUSALS[exitCode] ?? said ?? 'internal';
  const [message, nextAction] = WORDS[code]?.(host) ?? [
    `The runner on ${host} ended with ${exitCode}: ${toSafeLine(stderr.trim(), 300)}`,
    'Look at /var/lib/siteplan-host on the host.',
  ];
  return new HostError({ code, message, nextAction }, { cause: new Error(stderr) });
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
  ): Promise<string> => {
    const result = await through.run({
      script,
      variables: { ...common, ...variables },
      timeoutMs: CALL_TIMEOUT_MS,
      ...options,
    });
    if (result.exitCode === 0) return result.stdout.toString('utf8');
    throw toRunnerError(connection.name, result.exitCode, result.stderr.toString('utf8'));
  };
  // A channel of its own for as long as the connection stands: opening one costs a login on the host each time.
  const journalShell = connection.openShell();
  const bootId = (await call(PREPARE_SCRIPT, {}, { payload: RUNNER_SCRIPT })).trim();
  return {
    bootId,
    start: async ({ key, params, script, input, limitS }) =>
      parseStatus(
        await call(START_SCRIPT, { key, params, script, limit_s: String(limitS) }, { payload: input }),
      ),
    status: async (key) => parseStatus(await call(STATUS_SCRIPT, { key })),
    follow: async (key, offset, onData) => {
      const variables = { ...common, key, offset: String(offset) };
      const call = { script: FOLLOW_SCRIPT, variables, onData, timeoutMs: Number.POSITIVE_INFINITY };
      const { exitCode, stderr } = await journalShell.run(call);
      const said = stderr.toString('utf8');
      if (exitCode !== 0) throw toRunnerError(connection.name, exitCode, said);
      return parseStatus(said);
    },
    cancel: async (key) => {
      // A shell of its own: the step's shell may be waiting for something.
      const own = connection.openShell();
      try {
        return parseStatus(await call(CANCEL_SCRIPT, { key }, {}, own));
      } finally {
        own.close();
      }
    },
    clean: async (run) => {
      await call(CLEAN_SCRIPT, { run });
    },
  };
}
