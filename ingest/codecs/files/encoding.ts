/**
 * Which encoding a file is in, told by its first bytes: byte order mark, zero bytes, sound UTF-8, else whether its high
 * bytes come in pairs (GB 18030) or alone (Windows-1252). Where both could be, the user is asked.
 */
import { isUtf8 } from 'node:buffer';
import { FileUndecided } from './file-problem.ts';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'gb18030', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const LOOKED_AT = 65_536;

/** What `Content-Type: text/csv; charset=gbk` declares; `encoding` null = none that is read. Null: it declares nothing. */
export function declaredCharset(
  contentType: string | undefined,
): { charset: string; encoding: Encoding | null } | null {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  if (charset === undefined) return null;
  return { charset, encoding: encodingNamed(charset) };
}

/** By any name that browsers know: `gb2312`, `iso-8859-1`, `utf8`. */
function encodingNamed(charset: string): Encoding | null {
  let name: string;
  try {
    name = new TextDecoder(charset).encoding;
  } catch {
    return null;
  }
  // GB 18030 holds all of GBK.
  return ENCODINGS.find((encoding) => encoding === (name === 'gbk' ? 'gb18030' : name)) ?? null;
}

/**
 * Of a file that is there as a whole: what speaks against UTF-8 may stand far behind its head.
 * @throws FileUndecided `encoding`
 */
export function encodingOfWhole(bytes: Uint8Array): Encoding {
  if (isUtf8(bytes)) return encodingOf(bytes.subarray(0, LOOKED_AT));
  let at = 0;
  while (bytes[at]! < 0x80) at += 1;
  // From an even byte on, so that UTF-16 is still told by where its zeros are.
  const start = at - (at % LOOKED_AT);
  return encodingOf(bytes.subarray(start, start + LOOKED_AT));
}

/** @throws FileUndecided `encoding` when the bytes fit two encodings. */
export function encodingOf(head: Uint8Array): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  const zeros = [0, 0];
  for (let at = 0; at < Math.min(head.length, 4096); at++) if (head[at] === 0) zeros[at % 2]! += 1;
  // Latin text in UTF-16 has a zero in every second byte.
  const most = Math.min(head.length, 4096) / 8;
  if (zeros[1]! > most && zeros[0]! < most / 8) return 'utf-16le';
  if (zeros[0]! > most && zeros[1]! < most / 8) return 'utf-16be';
  if (isUtf8(withoutCutCharacter(head))) return 'utf-8';
  return eightBit(head);
}

/** The head of a file may end within a character: at most three bytes of it. */
function withoutCutCharacter(head: Uint8Array): Uint8Array {
  let end = head.length;
  for (let back = 1; back <= 3 && back <= head.length; back++) {
    const byte = head[head.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      end = head.length - back;
      break;
    }
  }
  return head.subarray(0, end);
}

/** GB 2312's characters are pairs of bytes ≥ 0xA1; µ, ° and ä of Windows-1252 stand alone among ASCII. */
function eightBit(head: Uint8Array): Encoding {
  let pairs = 0;
  let singles = 0;
  for (let at = 0; at < head.length; ) {
    if (head[at]! < 0x80) {
      at += 1;
      continue;
    }
    let end = at;
    while (end < head.length && head[end]! >= 0x80) end += 1;
    const length = end - at;
    if (length % 2 === 0) pairs += length / 2;
    else if (end < head.length) singles += 1;
    at = end;
  }
  if (pairs === 0) return 'windows-1252';
  if (singles * 10 <= pairs) return 'gb18030';
  throw new FileUndecided(
    'encoding',
    {
      zh: '无法确定文件编码：既可能是 GB 18030，也可能是 Windows-1252。请用 encoding 说明。',
      en: 'The bytes fit GB 18030 as well as Windows-1252: say with `encoding` which it is.',
    },
    ['gb18030', 'windows-1252'],
  );
}
