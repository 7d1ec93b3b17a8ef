import { Agent } from 'node:https';
import { join } from 'node:path';
import { httpsRequest } from './https-json';
import type { ClientFiles } from './https-json';
import type { Layout } from './layout';

export interface EtcdEntry {
  key: string;
  value: string;
  /** The revision that wrote this value. */
  revision: string;
}

interface WireEntry {
  key: string;
  value?: string;
  mod_revision: string;
}

interface RangeAnswer {
  header?: { revision?: string };
  kvs?: WireEntry[];
}

const encode = (text: string) => Buffer.from(text).toString('base64');
const decode = (text: string) => Buffer.from(text, 'base64').toString();

/** The key after all keys that start with `prefix`. */
function endOfPrefix(prefix: string): string {
  const bytes = Buffer.from(prefix);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) + 1;
  return bytes.toString('base64');
}

/**
 * The few calls that the stand-in needs of a real etcd, over etcd's own JSON gateway with TLS client certificates.
 * Every call rejects when etcd does not answer within 5 s (no quorum) or answers with an error.
 */
export class EtcdClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 8 });
  private readonly files: ClientFiles;

  constructor(
    layout: Layout,
    private readonly endpoint = 'https://127.0.0.1:2379',
  ) {
    this.files = { ca: join(layout.etcdTls, 'server-ca'), certificate: join(layout.etcdTls, 'client') };
  }

  async call(path: string, body: unknown): Promise<unknown> {
    const url = `${this.endpoint}/v3/${path}`;
    const answer = await httpsRequest(url, this.files, {
      method: 'POST',
      body: JSON.stringify(body),
      agent: this.agent,
    });
    if (answer.status !== 200) throw new Error(`etcd ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
    return JSON.parse(answer.text);
  }

  async list(prefix: string): Promise<{ entries: EtcdEntry[]; revision: string }> {
    // The gateway's answer has the shape of etcd's RangeResponse.
    const answer = (await this.call('kv/range', {
      key: encode(prefix),
      range_end: endOfPrefix(prefix),
    })) as RangeAnswer;
    const entries = (answer.kvs ?? []).map(toEntry);
    return { entries, revision: answer.header?.revision ?? '0' };
  }

  async get(key: string): Promise<EtcdEntry | null> {
    const answer = (await this.call('kv/range', { key: encode(key) })) as RangeAnswer;
    const [entry] = answer.kvs ?? [];
    return entry === undefined ? null : toEntry(entry);
  }

  /**
   * Writes `value` only when the key's revision is still `expected` (`0`: the key does not exist). Returns the new
   * revision, or null when somebody else was faster.
   */
  async putIf(key: string, value: string, expected: string): Promise<string | null> {
    const put = { request_put: { key: encode(key), value: encode(value) } };
    return this.commitIf(key, expected, put);
  }

  async deleteIf(key: string, expected: string): Promise<string | null> {
    return this.commitIf(key, expected, { request_delete_range: { key: encode(key) } });
  }

  async put(key: string, value: string): Promise<void> {
    await this.call('kv/put', { key: encode(key), value: encode(value) });
  }

  /** Writes a value that is gone after `ttlS` seconds unless it is written again. */
  async putFor(key: string, value: string, ttlS: number): Promise<void> {
    const lease = (await this.call('lease/grant', { TTL: String(ttlS) })) as { ID?: string };
    await this.call('kv/put', { key: encode(key), value: encode(value), lease: lease.ID ?? '0' });
  }

  private async commitIf(key: string, expected: string, operation: unknown): Promise<string | null> {
    const compare = [{ key: encode(key), target: 'MOD', mod_revision: expected, result: 'EQUAL' }];
    const answer = (await this.call('kv/txn', { compare, success: [operation] })) as {
      succeeded?: boolean;
      header?: { revision?: string };
    };
    return answer.succeeded === true ? (answer.header?.revision ?? '0') : null;
  }

  /** True when this member votes and the cluster can commit. */
  async hasQuorum(): Promise<boolean> {
    return this.get('health').then(
      () => true,
      () => false,
    );
  }

  /** True when the local member answers reads without asking for quorum. */
  async isServing(): Promise<boolean> {
    const serving = this.call('kv/range', { key: encode('health'), serializable: true });
    return serving.then(
      () => true,
      () => false,
    );
  }
}

function toEntry(entry: WireEntry): EtcdEntry {
  return { key: decode(entry.key), value: decode(entry.value ?? ''), revision: entry.mod_revision };
}
