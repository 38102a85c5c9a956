/**
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4): the checksum of an entry in the journal. Node has only the CRC-32 of zlib.
 * Eight bytes a step by eight tables (Kounavis & Berry 2005, "slicing-by-8"): about 0.5 GB/s.
 */

/** Reflected. */
const POLYNOMIAL = 0x82f63b78;

const [T0, T1, T2, T3, T4, T5, T6, T7] = tables() as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

function tables(): Int32Array[] {
  const made = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    made[0]![byte] = crc;
  }
  for (let step = 1; step < 8; step++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made[step - 1]![byte]!;
      made[step]![byte] = (before >>> 8) ^ made[0]![before & 0xff]!;
    }
  }
  return made;
}

/** Of the bytes from `from` up to `to`, unsigned. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
