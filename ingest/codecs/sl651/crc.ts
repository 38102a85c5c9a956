/**
 * The checksum of SL 651: CRC-16 with the polynomial x^16+x^15+x^2+1, reflected, initial value FFFF (that of Modbus RTU),
 * sent with the high byte first, where Modbus sends the low one (SL 651-2014 table 11).
 */

const TABLE = Uint16Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** @param initial or the checksum of what goes before */
export function crc16(bytes: Uint8Array, from = 0, to = bytes.length, initial = 0xffff): number {
  let crc = initial;
  for (let at = from; at < to; at++) crc = (crc >> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}

/** CRC-16/CCITT, most significant bit first: what other firmware takes for "CRC-16". */
function ccitt(bytes: Uint8Array, initial: number): number {
  let crc = initial;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

function swapped(crc: number): number {
  return ((crc & 0xff) << 8) | (crc >> 8);
}

/**
 * What a wrong checksum would be right as, for the message about it; null for none of the mistakes that are known.
 * @param covered from the first byte to the end character
 */
export function variantOf(sent: number, covered: Uint8Array, markBytes: number): string | null {
  const ways: [string, number][] = [
    ['CRC-16 without the end character', crc16(covered, 0, covered.length - 1)],
    ['CRC-16 without the start character', crc16(covered, markBytes)],
    ['CRC-16/ARC (initial value 0)', crc16(covered, 0, covered.length, 0)],
    ['CRC-16/XMODEM', ccitt(covered, 0)],
    ['CRC-16/CCITT (initial value FFFF)', ccitt(covered, 0xffff)],
  ];
  if (swapped(crc16(covered)) === sent) return 'CRC is Modbus, low byte first; SL 651 wants the high byte first';
  for (const [name, crc] of ways) {
    if (crc === sent) return `it is a ${name}`;
    if (swapped(crc) === sent) return `it is a ${name}, low byte first`;
  }
  return null;
}
