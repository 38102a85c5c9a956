/**
 * The checksum of HJ 212, annex A, over the bytes of the data segment: a CRC-16 with the polynomial of Modbus in which each
 * byte meets the register's HIGH half, so that the low half is dropped. It is not CRC-16/MODBUS, which some loggers send.
 */

/** Eight shifts of a byte, each with 0xA001 where the bit that fell out was 1. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** @returns 16 bits; of nothing 0xFFFF. */
export function checksumOf(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let crc = 0xffff;
  for (let index = start; index < end; index++) crc = TABLE[(crc >> 8) ^ bytes[index]!]!;
  return crc;
}

function modbusOf(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return crc;
}

const swapped = (crc: number): number => ((crc & 0xff) << 8) | (crc >> 8);

/** Four digits, the high byte first. */
export const hex4 = (crc: number): string => crc.toString(16).toUpperCase().padStart(4, '0');

/** `modbus-low-first`: its bytes the other way round, as Modbus itself sends them. */
export type ChecksumVariant = 'annex A' | 'modbus' | 'modbus-low-first' | 'annex A, low byte first';

const SAID: Readonly<Record<ChecksumVariant, string>> = {
  'annex A': 'that of annex A',
  modbus: 'Modbus',
  'modbus-low-first': 'Modbus, low byte first',
  'annex A, low byte first': 'that of annex A, low byte first',
};
export const saidVariant = (variant: ChecksumVariant): string => `CRC is ${SAID[variant]}`;

/** Which way of computing gives what was sent; null for none that is known. */
export function variantOf(segment: Uint8Array, sent: number): ChecksumVariant | null {
  const crc = checksumOf(segment);
  if (crc === sent) return 'annex A';
  const modbus = modbusOf(segment);
  if (modbus === sent) return 'modbus';
  if (swapped(modbus) === sent) return 'modbus-low-first';
  return swapped(crc) === sent ? 'annex A, low byte first' : null;
}
