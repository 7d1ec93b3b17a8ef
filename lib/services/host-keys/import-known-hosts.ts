import { z } from 'zod';
import type { HostKeyImport, ImportedKey } from '@/lib/access/host-key-import';
import { AppError } from '@/lib/core/errors';
import {
  matchesKnownHost,
  parseKnownHosts,
  toKnownHostName,
  type KnownHostsEntry,
} from '@/lib/core/known-hosts';
import { readNow } from '@/lib/db/read-now';
import { listHops, toHopKey } from '@/lib/topology/list-hops';
import type { Topology } from '@/lib/topology/topology';
import { toFingerprint } from '../credentials/read-private-key';
import type { ServiceContext } from '../context';
import { authoriseOnSite, newId } from '../context';
import { parseInput } from '../parse-input';
import { findNewestTopology } from '../topology/find-stored';
import { transact, type Transaction } from '../transact';
import { pinHostKeys } from './pin-host-keys';

const ImportKnownHostsInput = z.strictObject({
  siteId: z.string(),
  text: z.string().max(200_000, 'too long: import the lines of this site only'),
});

/** Hashed names are compared one by one, with each host: a limit of work for one request. */
const MAX_COMPARISONS = 400_000;
const SLICE = 2_000;
/** Each is a row that is written in one transaction. */
const MAX_MATCHES = 5_000;
const TOO_LONG = 'The file has too many lines for a site of this size. Import it in parts.';

/** A host of the site whose key can be pinned: a node (`hop` empty), or a bastion on the way to it. */
interface Place {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly hop: string;
  readonly address: string;
  readonly port: number;
}

interface Match {
  readonly entry: KnownHostsEntry;
  readonly place: Place;
}

function listPlaces({ nodes }: Topology): Place[] {
  return nodes.flatMap(({ id, name, internalIp, ssh }) => {
    const own = { nodeId: id, nodeName: name };
    return [
      { ...own, hop: '', address: ssh.address ?? internalIp, port: ssh.port },
      ...listHops(ssh).map((hop) => ({ ...own, hop: toHopKey(hop), address: hop.address, port: hop.port })),
    ];
  });
}

/** Which lines are about which hosts. Lets other requests have their turn meanwhile. */
async function findMatches(entries: readonly KnownHostsEntry[], places: readonly Place[]): Promise<Match[]> {
  const byName = new Map<string, Place[]>();
  for (const place of places) {
    const name = toKnownHostName(place.address, place.port);
    byName.set(name, [...(byName.get(name) ?? []), place]);
  }
  if (entries.length * byName.size > MAX_COMPARISONS) {
    throw new AppError('invalid', TOO_LONG);
  }
  const matches: Match[] = [];
  let compared = 0;
  for (const entry of entries) {
    for (const same of byName.values()) {
      const [place] = same;
      compared += 1;
      if (compared % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      if (place && matchesKnownHost(entry, place.address, place.port)) {
        matches.push(...same.map((one) => ({ entry, place: one })));
        if (matches.length > MAX_MATCHES) throw new AppError('invalid', TOO_LONG);
      }
    }
  }
  return matches;
}

function toImportedKey({ entry, place }: Match): ImportedKey {
  const { nodeId, nodeName, hop } = place;
  const { line, algorithm, publicKey } = entry;
  const fingerprint = toFingerprint(Buffer.from(publicKey, 'base64'));
  return { line, nodeId, nodeName, ...(hop && { hop }), algorithm, fingerprint };
}

/** One key at one place, whatever line says so. */
function toPinKey({ entry, place }: Match): string {
  return `${place.nodeId} ${place.hop} ${entry.publicKey}`;
}

function toRowKey({
  nodeId,
  hop = '',
  fingerprint,
}: Pick<ImportedKey, 'nodeId' | 'fingerprint'> & { hop?: string | undefined }) {
  return { nodeId, hop, fingerprint };
}

async function storeRevoked(
  tx: Pick<Transaction, 'prisma' | 'sql'>,
  matches: readonly Match[],
): Promise<void> {
  const revokedAt = await readNow(tx.sql);
  for (const match of matches) {
    const { algorithm, ...key } = toImportedKey(match);
    const where = toRowKey(key);
    const { address, port } = match.place;
    const { publicKey } = match.entry;
    await tx.prisma.hostKey.upsert({
      where: { nodeId_hop_fingerprint: where },
      create: { id: newId('hk'), ...where, address, port, algorithm, publicKey, revokedAt },
      update: { revokedAt },
    });
  }
}

async function storePinned(
  ctx: ServiceContext,
  tx: Pick<Transaction, 'prisma' | 'sql'>,
  matches: readonly Match[],
): Promise<{ replaced: string[] }> {
  const rows = [];
  for (const match of matches) {
    const { algorithm, ...key } = toImportedKey(match);
    const where = toRowKey(key);
    const { address, port } = match.place;
    const { publicKey } = match.entry;
    rows.push(
      await tx.prisma.hostKey.upsert({
        where: { nodeId_hop_fingerprint: where },
        create: { id: newId('hk'), ...where, address, port, algorithm, publicKey },
        update: { address, port },
      }),
    );
  }
  return pinHostKeys(ctx, tx, rows);
}

/**
 * Takes over the lines of a known_hosts file that are about hosts of the site: a named person vouches for the file. Its
 * keys are pinned as approved and replace what was pinned for the same host; a @revoked line withdraws the trust in a
 * key, whatever other lines say. One audit row for the whole file. Throws `invalid` for a file that says too much at once.
 */
export async function importKnownHosts(ctx: ServiceContext, input: unknown): Promise<HostKeyImport> {
  const { siteId, text } = parseInput(ImportKnownHostsInput, input);
  authoriseOnSite(ctx, 'host-key.approve', siteId);
  const { topology } = await findNewestTopology(ctx.db, siteId);
  const { entries, refused } = parseKnownHosts(text);
  const matches = await findMatches(entries, listPlaces(topology));
  const revoked = matches.filter(({ entry }) => entry.kind === 'revoked');
  const withdrawn = new Set(revoked.map(toPinKey));
  const pinned = matches.filter((match) => match.entry.kind === 'key' && !withdrawn.has(toPinKey(match)));
  const about = new Set(matches.map(({ entry }) => entry.line));
  return transact(ctx, async (tx) => {
    await storeRevoked(tx, revoked);
    const { replaced } = await storePinned(ctx, tx, pinned);
    const toDetail = (list: readonly Match[]) => [
      ...new Set(list.map((one) => toImportedKey(one).fingerprint)),
    ];
    const detail = { siteId, pinned: toDetail(pinned), revoked: toDetail(revoked), replaces: replaced };
    await tx.audit('host-key.import', siteId, detail);
    await tx.changed('host-key', siteId);
    return {
      matched: pinned.map(toImportedKey),
      revoked: revoked.map(toImportedKey),
      unmatched: entries.flatMap(({ line }) => (about.has(line) ? [] : [line])),
      refused: [...refused],
    };
  });
}
