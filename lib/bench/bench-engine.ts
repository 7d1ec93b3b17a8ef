import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { EngineRig } from '@/lib/testing/engine-rig';
import { buildProgram, type BuiltProgram } from '@/lib/testing/build-program';
import type { EngineAnswer, EngineRequest, EngineUsage } from './engine-protocol';

/** One process that executes runs, as a worker does. */
export interface BenchEngine {
  readonly pid: number;
  /** Claims and executes the run; rejects where it does not end `done`. Returns how long, milliseconds. */
  readonly run: (rig: EngineRig) => Promise<number>;
  readonly readUsage: (options?: { readonly resetsPeak?: boolean }) => Promise<EngineUsage>;
  readonly end: () => Promise<void>;
}

export interface BenchEngines {
  readonly start: (databaseUrl: string, nodeOptions?: readonly string[]) => BenchEngine;
  readonly remove: BuiltProgram['remove'];
}

type Request = EngineRequest extends infer R ? (R extends EngineRequest ? Omit<R, 'id'> : never) : never;

function startEngine(path: string, databaseUrl: string, nodeOptions: readonly string[]): BenchEngine {
  const child = spawn(process.execPath, [...nodeOptions, path, databaseUrl], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const waiting = new Map<
    number,
    { resolve: (said: EngineAnswer) => void; reject: (error: Error) => void }
  >();
  let nextId = 1;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as EngineAnswer; // the child writes exactly this shape
    const waiter = waiting.get(said.id);
    waiting.delete(said.id);
    if (said.op === 'error') waiter?.reject(new Error(said.error));
    else waiter?.resolve(said);
  });
  child.stdin.on('error', () => undefined);
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the engine ended with ${code ?? signal}`));
  });
  const ask = (request: Request): Promise<EngineAnswer> => {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  };
  return {
    pid: child.pid ?? 0,
    run: async (rig) => {
      const { runId, plan, hosts } = rig;
      const epoch = (await rig.claim()).toString();
      const said = await ask({ op: 'run', runId, epoch, plan, hosts });
      if (said.op !== 'run' || said.state !== 'done') {
        const failed = (await rig.events()).findLast(({ type }) => type === 'run.finished');
        throw new Error(`the run ended ${said.op === 'run' ? said.state : ''}: ${JSON.stringify(failed)}`);
      }
      return said.wallMs;
    },
    readUsage: async ({ resetsPeak = false } = {}) => {
      const said = await ask({ op: 'usage', resetsPeak });
      if (said.op !== 'usage') throw new Error('the engine answered something else');
      return said.usage;
    },
    end: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

/** Builds the engine program once; call `remove` at the end. */
export async function buildBenchEngine(): Promise<BenchEngines> {
  const program = await buildProgram('lib/bench/engine-program.ts');
  return {
    start: (databaseUrl, nodeOptions = []) => startEngine(program.path, databaseUrl, nodeOptions),
    remove: program.remove,
  };
}
