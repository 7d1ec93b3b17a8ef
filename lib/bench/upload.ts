import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrThrow } from '@/e2e/lab/command';
import { connectHost, type HostConnection } from '@/lib/ssh/connect-host';
import { toFileSource } from '@/lib/ssh/file-source';
import { startTcpProxy, type TcpProxy } from '@/lib/testing/tcp-proxy';
import { waitFor } from '@/lib/testing/wait-for';
import type { Bench, BenchMetric, BenchOptions } from './bench';
import { BENCH_POLICY, startBenchHosts, type BenchHost, type BenchHosts } from './bench-hosts';
import { findMissingProgram, runMeasured, type MeasuredCommand } from './measured-command';
import { toMedian, toRangeText, toRounded } from './statistics';

const FULL_SIZE_BYTES = 100_000_000;

interface Pair {
  readonly scp: MeasuredCommand;
  /** What the host needs to sync scp's file, which ours has done already. */
  readonly scpSyncMs: number;
  readonly fresh: MeasuredCommand;
  readonly kept: MeasuredCommand;
}

interface Rig {
  readonly host: BenchHost;
  readonly dir: string;
  readonly sourcePath: string;
  readonly sizeBytes: number;
}

async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  for (let left = sizeBytes; left > 0; left -= 1_000_000)
    await file.write(randomBytes(Math.min(left, 1_000_000)));
  await file.close();
}

function connect(host: BenchHost, proxy?: TcpProxy): Promise<HostConnection> {
  const target = proxy ? { ...host.target, address: '127.0.0.1', port: proxy.port } : host.target;
  return connectHost(target, { policy: BENCH_POLICY });
}

function toArgs({ sshOptions, target }: BenchHost): { login: string; ssh: string[]; scp: string[] } {
  const port = String(target.port);
  return {
    login: `${target.user}@${target.address}`,
    ssh: ['ssh', ...sshOptions, '-p', port],
    scp: ['scp', '-q', ...sshOptions, '-P', port],
  };
}

async function onHost(host: BenchHost, line: string): Promise<string> {
  const { ssh, login } = toArgs(host);
  return (await runOrThrow([...ssh, login, line], { timeoutMs: 120_000 })).trim();
}

async function measureScp({
  host,
  dir,
  sourcePath,
}: Rig): Promise<{ scp: MeasuredCommand; scpSyncMs: number }> {
  const path = `${host.scratch}/scp.bin`;
  await onHost(host, `rm -f ${path}; sync`);
  const { scp: program, login } = toArgs(host);
  const options = { outputPath: join(dir, 'scp.out'), timeoutMs: 120_000 };
  const scp = await runMeasured([...program, sourcePath, `${login}:${path}`], options);
  const said = await onHost(host, `b=$(date +%s%N); sync ${path}; e=$(date +%s%N); echo $(((e - b) / 1000))`);
  return { scp, scpSyncMs: Number(said) / 1000 };
}

/** Hash here, connection (unless one is given), transfer, hash there, sync, rename. */
async function measureOurs(rig: Rig, name: string, kept?: HostConnection): Promise<MeasuredCommand> {
  const path = `${rig.host.scratch}/${name}`;
  await onHost(rig.host, `rm -f ${path}; sync`);
  const before = process.cpuUsage();
  const startedMs = performance.now();
  const connection = kept ?? (await connect(rig.host));
  const { sentBytes } = await connection.upload(await toFileSource(rig.sourcePath), { path, mode: '0600' });
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  if (!kept) connection.close();
  if (sentBytes !== rig.sizeBytes) throw new Error(`a new file sent ${sentBytes} bytes`);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

async function measurePair(rig: Rig, kept: HostConnection): Promise<Pair> {
  const fresh = await measureOurs(rig, 'ours.bin');
  const peer = await measureScp(rig);
  return { ...peer, fresh, kept: await measureOurs(rig, 'ours-kept.bin', kept) };
}

/** Bytes towards the host, counted on the wire, over the file's size: a second upload, and one resumed at half. */
async function measureWire(rig: Rig): Promise<{ unchanged: number; resumed: number }> {
  const { host, sizeBytes } = rig;
  const proxy = await startTcpProxy(host.target);
  try {
    const source = await toFileSource(rig.sourcePath);
    const again = await connect(host, proxy);
    await again.upload(source, { path: `${host.scratch}/ours.bin`, mode: '0600' });
    again.close();
    const unchanged = proxy.bytesUp() / sizeBytes;
    const target = { path: `${host.scratch}/resumed.bin`, mode: '0600' };
    const before = proxy.bytesUp();
    const cut = await connect(host, proxy);
    const failing = cut.upload(source, target).then(
      () => 'done',
      () => 'cut',
    );
    await waitFor(() => proxy.bytesUp() - before > sizeBytes / 2, { what: 'half of the file', everyMs: 1 });
    proxy.resetAll();
    if ((await failing) !== 'cut') throw new Error('the upload was over before it was cut');
    cut.close();
    const atCut = proxy.bytesUp();
    const resumed = await connect(host, proxy);
    const { sha256 } = await resumed.upload(source, target);
    resumed.close();
    const [found] = (await onHost(host, `sha256sum ${target.path}`)).split(' ');
    if (found !== sha256) throw new Error('the resumed file has another hash');
    return { unchanged, resumed: (proxy.bytesUp() - atCut) / sizeBytes };
  } finally {
    await proxy.stop();
  }
}

function toMetrics(
  pairs: readonly Pair[],
  wire: { unchanged: number; resumed: number },
  { sizeBytes }: Rig,
  kind: string,
): BenchMetric[] {
  const speed = (read: (pair: Pair) => number) =>
    toRangeText(
      pairs.map((pair) => sizeBytes / 1000 / read(pair)),
      ' MB/s',
    );
  const cpu = (read: (pair: Pair) => MeasuredCommand) =>
    toRangeText(
      pairs.map((pair) => read(pair).cpuMs / 1000),
      ' s',
    );
  const synced = pairs.map(({ scp, scpSyncMs, fresh }) => (scp.wallMs + scpSyncMs) / fresh.wallMs);
  const ratio = (name: string, read: (pair: Pair) => MeasuredCommand, words: string): BenchMetric => {
    const values = pairs.map((pair) => pair.scp.wallMs / read(pair).wallMs);
    const detail =
      `${toRangeText(values)} over ${pairs.length} pairs, ${kind}; scp ${speed(({ scp }) => scp.wallMs)}, CPU ${cpu(({ scp }) => scp)}; ` +
      `ours ${words} ${speed((pair) => read(pair).wallMs)}, CPU ${cpu(read)}`;
    return { name, value: toRounded(toMedian(values)), unit: '×', goal: 0.95, better: 'higher', detail };
  };
  const lower = (name: string, value: number, goal: number, detail: string): BenchMetric => ({
    name,
    value: toRounded(value),
    unit: '×',
    goal,
    better: 'lower',
    detail,
  });
  const fresh = ratio(
    'ratio_vs_scp',
    ({ fresh: sample }) => sample,
    'with a new connection, hashes, sync and rename',
  );
  return [
    {
      ...fresh,
      detail: `${fresh.detail}; with a sync of scp's file ${toRangeText(synced)}; bounded by cipher and SHA-256 on both ends, which share this machine`,
    },
    ratio('ratio_vs_scp_kept', ({ kept }) => kept, 'on a kept connection'),
    lower(
      'unchanged_bytes_ratio',
      wire.unchanged,
      0.01,
      'bytes to the host through a counting proxy, handshake included',
    ),
    lower('resume_bytes_ratio', wire.resumed, 0.6, 'bytes to the host after a reset at half of the file'),
  ];
}

/** The bench on hosts and with a file of the caller's choice. */
export async function measureUpload(
  { pairs, say }: BenchOptions,
  { sizeBytes, startHosts }: { readonly sizeBytes: number; readonly startHosts: () => Promise<BenchHosts> },
): Promise<BenchMetric[]> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const dir = await mkdtemp(join(tmpdir(), 'siteplan-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const hosts = await startHosts();
    stops.push(hosts.stop);
    const [host] = hosts.hosts;
    if (!host) throw new Error('there is no host');
    const rig: Rig = { host, dir, sourcePath: join(dir, 'source.bin'), sizeBytes };
    await writeRandomFile(rig.sourcePath, sizeBytes);
    const kept = await connect(host);
    stops.push(() => Promise.resolve(kept.close()));
    await measurePair(rig, kept); // warms caches and code; not counted
    const samples: Pair[] = [];
    for (let pair = 1; pair <= pairs; pair += 1) {
      const sample = await measurePair(rig, kept);
      samples.push(sample);
      const { scp, fresh, kept: again } = sample;
      const [scpMs, freshMs, keptMs] = [scp, fresh, again].map(({ wallMs }) => Math.round(wallMs));
      say(
        `pair ${pair} of ${pairs}: scp ${scpMs} ms, siteplan ${freshMs} ms, on a kept connection ${keptMs} ms`,
      );
    }
    return toMetrics(samples, await measureWire(rig), rig, hosts.kind);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

export const upload: Bench = {
  name: 'upload',
  title: '100 MB to one host, against scp; again unchanged; resumed after a cut',
  findMissing: () => {
    const program = findMissingProgram([['ssh', '-V'], ['scp']]);
    return program === null ? null : `${program} is not there (OpenSSH's client)`;
  },
  run: (options) =>
    measureUpload(options, {
      sizeBytes: FULL_SIZE_BYTES,
      startHosts: () => startBenchHosts('bench-upload', 1),
    }),
};
