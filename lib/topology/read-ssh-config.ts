import { findIpv4 } from '@/lib/core/cidr';
import { toSafeLine } from '@/lib/core/text';
import { toHost, toRow } from './host-draft';
import type { HostDraft, HostRow, Line } from './host-draft';

interface Block {
  readonly line: Line;
  readonly alias: string;
  /** Keywords in lower case; the first of each counts (ssh_config(5)). */
  readonly values: Map<string, string>;
}

const HOST = /^\s*host[\s=]+(\S.*)$/is;

/** True for text that begins with a `Host` block. */
export function isSshConfig(lines: readonly Line[]): boolean {
  return (
    HOST.test(lines[0]?.text ?? '') &&
    !/^\s*host[\s=]*[,;|\t]/i.test(lines[0]?.text ?? '') &&
    lines.some(({ text }) => /^\s*hostname\b/i.test(text))
  );
}

/**
 * The hosts of an ssh_config: HostName, User, Port and ProxyJump of each `Host` block, `Host *` for what a block leaves
 * out (ssh_config(5)). A host that others only jump through is a bastion and no node. One row for each block.
 */
export function readSshConfig(lines: readonly Line[]): HostRow[] {
  const blocks = toBlocks(lines);
  const usual = blocks.find(({ alias }) => alias === '*')?.values ?? new Map<string, string>();
  const find = (block: Block, key: string) => block.values.get(key) ?? usual.get(key);
  const hosts = blocks.filter(({ alias }) => alias !== '*');
  const jumps = new Set(hosts.flatMap((block) => splitJump(find(block, 'proxyjump')).map(toAlias)));
  return hosts
    .filter(({ alias }) => !jumps.has(alias))
    .map((block) => toRow(block.line, () => toNode(block)));

  function toNode(block: Block): HostDraft[] | string {
    if (/[*?!]/.test(block.alias)) return 'only “Host *” is read as a pattern';
    if (block.values.has('match') || block.values.has('include'))
      return 'Match and Include are not read; write the hosts out';
    const address = find(block, 'hostname') ?? block.alias;
    if (findIpv4(address) === null)
      return `“${toSafeLine(address, 60)}”: HostName is no IPv4 address; write the one that the other nodes use`;
    const jump = splitJump(find(block, 'proxyjump')).map(resolveJump).join(',');
    return toHost(
      new Map(
        Object.entries({
          internalIp: address,
          name: findIpv4(block.alias) === null ? block.alias : '',
          user: find(block, 'user') ?? '',
          port: find(block, 'port') ?? '',
          jump,
        }).filter(([, value]) => value !== ''),
      ),
    );
  }

  /** A jump by the name of a block goes where that block says. */
  function resolveJump(jump: string): string {
    const block = hosts.find(({ alias }) => alias === toAlias(jump));
    if (!block) return jump;
    const user = /^([^@]+)@/.exec(jump)?.[1] ?? find(block, 'user');
    const port = /:(\d+)$/.exec(jump)?.[1] ?? find(block, 'port');
    return `${user ? `${user}@` : ''}${find(block, 'hostname') ?? block.alias}${port ? `:${port}` : ''}`;
  }
}

function toBlocks(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    const host = HOST.exec(line.text);
    if (host) {
      blocks.push({ line, alias: unquote(host[1] ?? '').split(/\s+/)[0] ?? '', values: new Map() });
      continue;
    }
    const [, key = '', value = ''] = /^\s*([A-Za-z]+)[\s=]+(.*)$/s.exec(line.text) ?? [];
    const values = blocks.at(-1)?.values;
    if (!values?.has(key.toLowerCase())) values?.set(key.toLowerCase(), unquote(value));
  }
  return blocks;
}

function unquote(text: string): string {
  return text.trim().replace(/^"(.*)"$/, '$1');
}

function splitJump(jump: string | undefined): string[] {
  return (jump ?? '')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '' && hop.toLowerCase() !== 'none');
}

function toAlias(jump: string): string {
  return jump.replace(/^[^@]*@/, '').replace(/:\d+$/, '');
}
