/** Text of bytes whose charset is declared, or is UTF-8 or GB 18030 (GBK, GB 2312) by its bytes; nothing is replaced. */
import { isUtf8 } from 'node:buffer';

/**
 * @param charset as in `Content-Type: text/csv; charset=gbk`; null = not declared.
 * @returns null when the bytes aren't in that charset, when it is none that we know, or when they are in neither of the two.
 */
export function textIn(bytes: Uint8Array, charset: string | null): string | null {
  try {
    return new TextDecoder(charset ?? (isUtf8(bytes) ? 'utf-8' : 'gb18030'), { fatal: true }).decode(bytes);
  } catch (error) {
    // An unknown label is a RangeError, bytes that don't fit it a TypeError.
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
}
