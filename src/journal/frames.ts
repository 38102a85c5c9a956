/**
 * Bodies of batches, packed (format 2 of docs/decisions/0023): whole entries in frames of about 32 KiB, so that damage costs one of
 * them. A frame: the length of what is packed (4), of what it was (4), the packed bytes (zstd), CRC-32C over all of it (4).
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';

/** Smaller bodies gain little, and a call costs 40 µs whatever its size. */
const PACKED_MIN_BYTES = 1024;
const FRAME_BYTES = 32 << 10;
/** It is only packed if it then takes less than this share. */
const SHARE_MAX = 0.9;
/** What an entry can be: a frame holds at least a whole one. */
const UNPACKED_MAX_BYTES = 128 << 20;
const LENGTHS_BYTES = 8;
const CRC_BYTES = 4;
/** What zstd begins with (RFC 8878, 3.1.1). */
const ZSTD = 0x28b52ffd;
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 };

/** @returns null where packing doesn't pay. @param places where its entries begin. */
export function pack(body: Buffer, places: readonly number[]): Uint8Array | null {
  if (body.length < PACKED_MIN_BYTES) return null;
  const frames: Uint8Array[] = [];
  let from = 0;
  for (const end of [...places.slice(1), body.length]) {
    if (end - from < FRAME_BYTES && end < body.length) continue;
    frames.push(frameOf(body.subarray(from, end)));
    from = end;
  }
  const packed = Buffer.concat(frames);
  return packed.length < SHARE_MAX * body.length ? packed : null;
}

function frameOf(entries: Uint8Array): Uint8Array {
  const packed = zstdCompressSync(entries, { params: LEVEL });
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + packed.length + CRC_BYTES);
  frame.writeUInt32BE(packed.length, 0);
  frame.writeUInt32BE(entries.length, 4);
  frame.set(packed, LENGTHS_BYTES);
  const crcAt = LENGTHS_BYTES + packed.length;
  frame.writeUInt32BE(crc32c(frame, 0, crcAt), crcAt);
  return frame;
}

/** What of a packed body can be read: of one that is what was written all of it, else the frames that are sound. */
export function unpack(body: Buffer): Buffer {
  const found: Uint8Array[] = [];
  for (let at = 0; at + LENGTHS_BYTES + CRC_BYTES <= body.length; ) {
    const length = soundLengthAt(body, at);
    if (length === null) at += 1;
    else {
      const packed = body.subarray(at + LENGTHS_BYTES, at + length - CRC_BYTES);
      found.push(zstdDecompressSync(packed, { maxOutputLength: Math.max(1, body.readUInt32BE(at + 4)) }));
      at += length;
    }
  }
  return Buffer.concat(found);
}

/** Of the frame that begins here; null when none does that is what was written. */
function soundLengthAt(body: Buffer, at: number): number | null {
  const packedBytes = body.readUInt32BE(at);
  const length = LENGTHS_BYTES + packedBytes + CRC_BYTES;
  if (length > body.length - at || body.readUInt32BE(at + 4) > UNPACKED_MAX_BYTES) return null;
  if (body.readUInt32BE(at + LENGTHS_BYTES) !== ZSTD) return null;
  const crcAt = at + length - CRC_BYTES;
  return crc32c(body, at, crcAt) === body.readUInt32BE(crcAt) ? length : null;
}
