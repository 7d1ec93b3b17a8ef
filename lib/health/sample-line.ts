import type { Sample } from './sample';

const MAX_LINE = 4_096;
const PAIR = /^([a-z][a-z0-9_]*|unit:[A-Za-z0-9@_.-]{1,100})=([A-Za-z0-9.,:_-]*)$/;
const READY = ['True', 'False', 'Unknown', 'none'] as const;

/**
 * Line of the sampler: `siteplan-sample 1 key=value ...`, values of [A-Za-z0-9.,:_-] only, several numbers parted by
 * commas, unknown keys passed over:
 *
 *   interval s   clock ms   boot id   uptime s   load n   memory total,available KiB   ports n,n   unit:NAME state
 *   over the interval: cpu all,idle ticks   net received,sent bytes,hundredths of a second   writes count,milliseconds
 *   slower: slow_age s   disk size,used,free KiB   api code   etcd, etcd_has_leader, etcd_is_leader 0|1
 *           ready True|False|Unknown|none   cert s
 *
 * Throws when the line is none of ours; see `findSample`.
 */
export function parseSampleLine(line: string, receivedAtMs: number): Sample {
  const sample = findSample(line, receivedAtMs);
  if (!sample) throw new Error('not a line of the sampler');
  return sample;
}

/** The sample that a line holds, or null for anything else: what a host prints is hostile. */
export function findSample(line: string, receivedAtMs: number): Sample | null {
  if (line.length > MAX_LINE || !line.startsWith('siteplan-sample 1 ')) return null;
  const values = new Map<string, string>();
  for (const word of line.trimEnd().split(' ').slice(2)) {
    const match = PAIR.exec(word);
    if (match?.[1]) values.set(match[1], match[2] ?? '');
  }
  const fields = new Fields(values);
  const intervalS = fields.number('interval');
  const uptimeS = fields.number('uptime');
  const load1 = fields.number('load');
  const memory = fields.numbers('memory', 2);
  const clockMs = fields.number('clock');
  const bootId = values.get('boot') ?? '';
  if (intervalS === null || uptimeS === null || load1 === null || !memory || bootId === '') return null;
  return {
    receivedAtMs,
    intervalS,
    bootId,
    clockOffsetMs: clockMs === null ? null : Math.round(clockMs - receivedAtMs),
    uptimeS,
    load1,
    memoryTotalMiB: Math.round(memory[0] / 1_024),
    memoryPercent: toPercent(memory[0] - memory[1], memory[0]),
    units: toUnits(values),
    listening: toPorts(values.get('ports') ?? ''),
    ...toRates(fields),
    ...toSlowFields(fields),
  };
}

class Fields {
  constructor(private readonly values: ReadonlyMap<string, string>) {}

  number(key: string): number | null {
    const text = this.values.get(key) ?? '';
    return /^-?\d{1,16}(\.\d{1,6})?$/.test(text) ? Number(text) : null;
  }

  /** Exactly `count` whole numbers, none below zero (a counter that was set back gives nothing), or null. */
  numbers<C extends 2 | 3>(
    key: string,
    count: C,
  ): (C extends 2 ? [number, number] : [number, number, number]) | null {
    const parts = (this.values.get(key) ?? '').split(',');
    if (parts.length !== count || !parts.every((part) => /^\d{1,18}$/.test(part))) return null;
    return parts.map(Number) as C extends 2 ? [number, number] : [number, number, number]; // the length was compared
  }

  flag(key: string): boolean | null {
    const value = this.values.get(key);
    return value === '1' ? true : value === '0' ? false : null;
  }

  word<W extends string>(key: string, words: readonly W[]): W | null {
    return words.find((word) => word === this.values.get(key)) ?? null;
  }
}

function toRates(
  fields: Fields,
): Pick<Sample, 'cpuPercent' | 'rxBytesPerS' | 'txBytesPerS' | 'writeLatencyMs'> {
  const cpu = fields.numbers('cpu', 2);
  const net = fields.numbers('net', 3);
  const writes = fields.numbers('writes', 2);
  const seconds = net && net[2] > 0 ? net[2] / 100 : null;
  return {
    cpuPercent: cpu ? toPercent(cpu[0] - cpu[1], cpu[0]) : null,
    rxBytesPerS: net && seconds !== null ? Math.round(net[0] / seconds) : null,
    txBytesPerS: net && seconds !== null ? Math.round(net[1] / seconds) : null,
    writeLatencyMs: writes && writes[0] > 0 ? Math.round((writes[1] / writes[0]) * 10) / 10 : null,
  };
}

type SlowField =
  | 'diskPercent'
  | 'diskFreeGiB'
  | 'apiReadyCode'
  | 'etcdHealthy'
  | 'etcdHasLeader'
  | 'etcdIsLeader'
  | 'nodeReady'
  | 'certificateEndS'
  | 'slowAgeS';

function toSlowFields(fields: Fields): Pick<Sample, SlowField> {
  const disk = fields.numbers('disk', 3);
  const code = fields.number('api');
  return {
    slowAgeS: fields.number('slow_age'),
    diskPercent: disk ? toPercent(disk[1], disk[1] + disk[2]) : null,
    diskFreeGiB: disk ? Math.round(disk[2] / 104_857.6) / 10 : null,
    apiReadyCode: code !== null && Number.isInteger(code) && code >= 0 && code <= 999 ? code : null,
    etcdHealthy: fields.flag('etcd'),
    etcdHasLeader: fields.flag('etcd_has_leader'),
    etcdIsLeader: fields.flag('etcd_is_leader'),
    nodeReady: fields.word('ready', READY),
    certificateEndS: fields.number('cert'),
  };
}

function toPercent(part: number, whole: number): number | null {
  if (!(whole > 0) || part < 0) return null;
  return Math.min(100, Math.round((part / whole) * 1_000) / 10);
}

function toUnits(values: ReadonlyMap<string, string>): Record<string, string> {
  const units = [...values].filter(([key]) => key.startsWith('unit:')).slice(0, 32);
  return Object.fromEntries(units.map(([key, state]) => [key.slice(5), state]));
}

function toPorts(text: string): number[] {
  const ports = text
    .split(',')
    .map(Number)
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  return [...new Set(ports)].sort((a, b) => a - b).slice(0, 64);
}
