/** Payloads of readings are read raw: the door decodes them itself, as it does those that come over MQTT. */
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Api } from '#api/api.ts';
import { Problem } from '#api/problems.ts';
import { CODECS, type ContentType, formatOf, isContentType } from '#ingest/codecs/index.ts';
import type { Gateway } from '#model/register.ts';

/** Types that say nothing of what it is: then it is what its gateway speaks. */
const UNSPECIFIC = ['text/plain', 'application/octet-stream'];
/** What readings come as. */
export const MEDIA_TYPES = [...Object.keys(CODECS), ...UNSPECIFIC];

/** The whole payload, or the beginning of one that was too large. */
export interface Payload {
  /** As the request says, without parameters. */
  mediaType: string;
  bytes: Uint8Array;
  tooLarge: boolean;
}

/** A client that sends this much more than allowed isn't read to its end. */
const DRAINED_BYTES_MAX = 16 << 20;

/**
 * How a payload is read: as its media type says, where it says anything. JSON of a gateway is what that gateway speaks, too.
 * @throws Problem `media.unsupported` for one that says nothing, of somebody who is no gateway.
 */
export function formatSaid(mediaType: string, gateway: Gateway | undefined): ContentType {
  if (gateway && (mediaType === 'application/json' || UNSPECIFIC.includes(mediaType))) return formatOf(gateway);
  if (isContentType(mediaType)) return mediaType;
  const types = Object.keys(CODECS).join(', ');
  throw new Problem('media.unsupported', `${mediaType} does not say what the payload is: send it as ${types}.`);
}

/** Makes every route of this scope take payloads as a `Payload`; media types of nothing that is read are refused (415). */
export function takePayloads(api: Api, maxBytes: number): void {
  api.removeAllContentTypeParsers();
  for (const mediaType of MEDIA_TYPES) {
    api.addContentTypeParser(mediaType, (_request: FastifyRequest, stream: IncomingMessage) =>
      readPayload(stream, mediaType, maxBytes),
    );
  }
}

/** Beyond `maxBytes` the rest is drained unbuffered, so that the client lives to read the answer. */
async function readPayload(stream: IncomingMessage, mediaType: string, maxBytes: number): Promise<Payload> {
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
  return { mediaType, bytes: Buffer.concat(chunks), tooLarge: length > maxBytes };
}
