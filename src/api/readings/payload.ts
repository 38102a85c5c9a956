/** Payloads of readings are read raw: the door decodes them itself, as it does those that come over MQTT. */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Api } from '#api/api.ts';
import { Problem } from '#api/problems.ts';
import type { ContentType } from '#ingest/door.ts';

/** The whole payload, or the beginning of one that was too large. */
export interface Payload {
  contentType: ContentType;
  bytes: Uint8Array;
  tooLarge: boolean;
}

/** A client that sends this much more than allowed isn't read to its end. */
const DRAINED_BYTES_MAX = 16 << 20;

/** Makes every route of this scope take JSON and CSV as a `Payload`; other media types are refused (415). */
export function takePayloads(api: Api, maxBytes: number): void {
  api.removeAllContentTypeParsers();
  for (const contentType of ['application/json', 'text/csv'] as const) {
    api.addContentTypeParser(contentType, (_request: FastifyRequest, stream: IncomingMessage) =>
      readPayload(stream, contentType, maxBytes),
    );
  }
}

/** Beyond `maxBytes` the rest is drained unbuffered, so that the client lives to read the answer. */
async function readPayload(stream: IncomingMessage, contentType: ContentType, maxBytes: number): Promise<Payload> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (length <= maxBytes) chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes + DRAINED_BYTES_MAX) {
      throw new Problem('message.too-large', `The payload is larger than ${maxBytes} bytes by far.`, {
        headers: { connection: 'close' },
      });
    }
  }
  return { contentType, bytes: Buffer.concat(chunks), tooLarge: length > maxBytes };
}
