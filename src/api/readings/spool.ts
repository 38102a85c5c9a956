/** A body that is read twice: kept in a file without a name, which is gone with its descriptor, whatever ends the process. */

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '#api/problems.ts';

/** Of one file; larger ones come in parts. */
const BYTES_MAX = 1024 ** 3;
const PIECE_BYTES = 65_536;
const AT_ONCE = 2;

let spooling = 0;

export interface Spooled {
  /** The body from its beginning; as often as wanted, one after another. */
  read(): AsyncGenerator<Uint8Array>;
}

/**
 * Keeps a body while `work` reads it.
 * @throws Problem `message.too-large` beyond 1 GiB, `overloaded` while two are kept, `journal.unwritable` without space.
 */
export async function spooled<T>(
  directory: string,
  body: AsyncIterable<Uint8Array>,
  work: (kept: Spooled) => Promise<T>,
): Promise<T> {
  if (spooling >= AT_ONCE) {
    const detail = 'Two files are being imported already; try again when they are done.';
    throw new Problem('overloaded', detail, { headers: { 'retry-after': '30' } });
  }
  spooling += 1;
  const path = join(directory, `import-${randomUUID()}.tmp`);
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'wx+', 0o600);
    await unlink(path);
    const length = await write(file, body);
    return await work({ read: () => read(file!, length) });
  } finally {
    spooling -= 1;
    await file?.close();
  }
}

async function write(file: FileHandle, body: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > BYTES_MAX)
      throw new Problem('message.too-large', `The file is larger than ${BYTES_MAX} bytes; send it in parts.`);
    try {
      await file.write(piece);
    } catch (error) {
      throw new Problem('journal.unwritable', `The file can't be kept: ${(error as Error).message}`);
    }
  }
  return length;
}

async function* read(file: FileHandle, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
