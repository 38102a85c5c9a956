/**
 * Which encoding a file is in, told by its first bytes: byte order mark, zero bytes, sound UTF-8, else whether its high
 * bytes come in pairs (GB 18030) or alone (Windows-1252). Where both could be, the user is asked.
 */
import { isUtf8 } from 'node:buffer';
import { FileUndecided } from './file-problem.ts';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'gb18030', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

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
