import { quoteShell } from '@/lib/core/shell-quote';

/** Lines of a secret (a private key) that are long enough to give it away by themselves. */
const MIN_LINE = 16;

/**
 * The same bytes inside a larger base64 text start at one of three places; the characters at the ends that also
 * depend on the neighbours are left out.
 */
function toBase64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const isWhole = (bytes.length + offset) % 3 === 0;
    const core = text.slice([0, 2, 3][offset], isWhole ? undefined : -1);
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function toTextForms(value: string): string[] {
  const forms = [value, JSON.stringify(value).slice(1, -1), quoteShell(value).slice(1, -1)];
  const isWellFormed = value.isWellFormed();
  if (isWellFormed) {
    const url = encodeURIComponent(value);
    forms.push(
      url,
      url.replaceAll('%20', '+'),
      url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    );
  }
  return forms;
}

/**
 * Everything that a secret looks like in output: raw, base64 in three alignments and two alphabets, hex, URL, JSON and
 * shell escapes, and each long line by itself. Line breaks are taken out, as they are from what is searched, so that
 * wrapped text is found too.
 */
export function toSecretForms(value: string): Buffer[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  const lines = value.includes('\n') ? value.split(/\r?\n/).filter(({ length }) => length >= MIN_LINE) : [];
  const forms = [...toTextForms(value), ...toBase64Forms(bytes), hex, hex.toUpperCase(), ...lines];
  const unique = new Set(forms.map((form) => form.replace(/[\r\n]/g, '')));
  return [...unique].map((form) => Buffer.from(form, 'utf8'));
}
