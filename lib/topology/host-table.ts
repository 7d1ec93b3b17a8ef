/** A known column of a host table. */
export interface Column {
  readonly field: string;
}

const FIELDS: Readonly<Record<string, string>> = {
  name: 'name',
  hostname: 'name',
  node: 'name',
  ip: 'internalIp',
  ipaddress: 'internalIp',
  address: 'internalIp',
  internalip: 'internalIp',
  nodeip: 'internalIp',
  externalip: 'externalIp',
  nodeexternalip: 'externalIp',
  role: 'role',
  user: 'user',
  sshuser: 'user',
  port: 'port',
  sshport: 'port',
  sshaddress: 'sshAddress',
  sshhost: 'sshAddress',
  arch: 'arch',
  architecture: 'arch',
  os: 'os',
  zone: 'zone',
  rack: 'zone',
  room: 'zone',
};

/**
 * The columns of a header line, unknown ones as their text; null when the line is no header, which is when
 * no cell names the address column.
 */
export function toColumns(line: string): { columns: (Column | string)[]; separator: string } | null {
  const separator = ['|', '\t', ';', ','].find((candidate) => line.includes(candidate)) ?? ',';
  const cells = splitTable(line, separator);
  if (typeof cells === 'string') return null;
  const columns = cells.map((cell) => {
    const field = FIELDS[cell.toLowerCase().replace(/[^a-z0-9]/g, '')];
    return field === undefined ? cell : { field };
  });
  const hasAddress = columns.some((column) => typeof column !== 'string' && column.field === 'internalIp');
  return hasAddress ? { columns, separator } : null;
}

/**
 * The cells of one line, trimmed, quotes as in RFC 4180; outer `|` of a drawn table dropped. Words instead where
 * quotes are wrong.
 */
export function splitTable(line: string, separator: string): string[] | string {
  const text = separator === '|' ? line.trim().replace(/^\||\|$/g, '') : line;
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  let isClosed = false;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text.charAt(index);
    if (isQuoted && letter === '"' && text.charAt(index + 1) === '"') {
      cell += '"';
      index += 1;
    } else if (letter === '"' && (isQuoted || (cell.trim() === '' && !isClosed))) {
      isClosed = isQuoted;
      isQuoted = !isQuoted;
    } else if (letter === separator && !isQuoted) {
      cells.push(cell.trim());
      cell = '';
      isClosed = false;
    } else {
      if (isClosed && letter.trim() !== '')
        return 'text after a closing quote; write "" for a quote in a cell';
      cell += letter;
    }
  }
  return isQuoted ? 'a quote is opened and not closed' : [...cells, cell.trim()];
}
