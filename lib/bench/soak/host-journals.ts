import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const POLL_MS = 30;
const ACTS = 'var/lib/siteplan-host/acts';

/** What a host itself says of one act: it was begun under this key, perhaps it ended, and what it printed until then. */
export interface HostAct {
  readonly host: string;
  /** Run, step and attempt. */
  readonly key: string;
  /** Bytes of its journal; null as long as the act has not ended. */
  readonly said: Buffer | null;
}

export interface HostJournals {
  /** Every act that any host began since the watch began, in no order. */
  readonly acts: () => readonly HostAct[];
  readonly stop: () => Promise<void>;
}

/** As much of a lab as the watch needs. */
interface WatchedLab {
  readonly hosts: readonly { readonly name: string }[];
  /** The host's `/` as seen from here. */
  readonly rootOf: (name: string) => string;
}

/** Collects the runner's journals of all hosts of a lab from outside, before the end of a run clears them away. */
export function watchHostJournals(lab: WatchedLab): HostJournals {
  const found = new Map<string, HostAct>();
  const look = async (host: string) => {
    const dir = join(lab.rootOf(host), ACTS);
    const keys = await readdir(dir).catch(() => []);
    for (const key of keys) {
      const id = `${host} ${key}`;
      if (found.get(id)?.said) continue;
      const hasEnded = existsSync(join(dir, key, 'exit'));
      // The journal is whole before the exit code is there.
      const said = hasEnded ? await readFile(join(dir, key, 'journal')).catch(() => null) : null;
      found.set(id, { host, key, said });
    }
  };
  let isStopped = false;
  const work = (async () => {
    while (!isStopped) {
      await Promise.all(lab.hosts.map(({ name }) => look(name)));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    acts: () => [...found.values()],
    stop: async () => {
      isStopped = true;
      await work;
    },
  };
}
