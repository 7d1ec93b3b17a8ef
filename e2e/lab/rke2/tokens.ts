import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashCaFile } from './certificates';
import type { Layout } from './layout';
import type { Settings } from './settings';
import { formatToken, parseToken } from './token';

export interface ServerTokens {
  server: string;
  node: string;
}

/**
 * The passwords of this server: as configured, else those of an earlier start, else new ones. A configured full
 * token must pin this cluster's CA. Throws RKE2's sentences for malformed tokens.
 */
export function settleTokens(settings: Settings, layout: Layout): ServerTokens {
  const stored = existsSync(layout.token) ? parseToken(readFileSync(layout.token, 'utf8')).password : null;
  const configured = settings.token === null ? null : parseToken(settings.token);
  if (
    configured !== null &&
    configured.caHash !== null &&
    configured.caHash !== hashCaFile(join(layout.tls, 'server-ca.crt'))
  ) {
    throw new Error('token CA hash does not match the Cluster CA certificate hash');
  }
  const server = configured?.password ?? stored ?? randomBytes(16).toString('hex');
  const node = settings.agentToken === null ? server : parseToken(settings.agentToken).password;
  return { server, node };
}

/** Writes the token files in their full form; `node-token` is a link (facts 1.2, 3.3). */
export function writeTokenFiles(layout: Layout, tokens: ServerTokens): void {
  const caHash = hashCaFile(join(layout.tls, 'server-ca.crt'));
  mkdirSync(layout.cred, { recursive: true, mode: 0o700 });
  writeFileSync(layout.token, `${formatToken(caHash, 'server', tokens.server)}\n`, { mode: 0o600 });
  link(layout.token, layout.nodeToken);
  if (tokens.node === tokens.server) link(layout.token, layout.agentToken);
  else {
    rmSync(layout.agentToken, { force: true });
    writeFileSync(layout.agentToken, `${formatToken(caHash, 'node', tokens.node)}\n`, { mode: 0o600 });
  }
  const users = `${tokens.node},node,node,rke2:agent\n${tokens.server},server,server,rke2:server\n`;
  writeFileSync(join(layout.cred, 'passwd'), users, { mode: 0o600 });
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}
