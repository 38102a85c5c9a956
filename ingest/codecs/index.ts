/** The formats that the door reads, by media type, and what each protocol is read as. A new codec is a line in each table. */
import type { Protocol } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import type { Codec } from './codec.ts';
import { csv } from './csv.ts';
import { hj212 } from './hj212/index.ts';
import { hj212Stream } from './hj212/stream.ts';
import { json } from './json.ts';
import { senml } from './senml/index.ts';
import { sl651 } from './sl651/index.ts';
import { sl651Stream } from './sl651/stream.ts';
import { sparkplugB } from './sparkplug-b/index.ts';
import type { StreamProtocol } from './stream.ts';
import { slt427, szy206 } from './szy206/index.ts';
import { szy206Stream } from './szy206/stream.ts';

/** Formats without a registered media type are called `application/x-PROTOCOL`. */
const TABLE = {
  'application/json': json,
  'text/csv': csv,
  'application/x-hj212': hj212,
  'application/x-sl651': sl651,
  'application/x-szy206': szy206,
  'application/x-slt427': slt427,
  'application/senml+json': senml,
  'application/senml+cbor': senml,
  'application/x-sparkplug-b': sparkplugB,
} satisfies Record<string, Codec>;

export type ContentType = keyof typeof TABLE;
export const CODECS: Readonly<Record<ContentType, Codec>> = TABLE;

const SPOKEN: Readonly<Partial<Record<Protocol, ContentType>>> = {
  json: 'application/json',
  hj212: 'application/x-hj212',
  sl651: 'application/x-sl651',
  szy206: 'application/x-szy206',
  slt427: 'application/x-slt427',
  senml: 'application/senml+json',
  'sparkplug-b': 'application/x-sparkplug-b',
};

/** What comes on these topics of a gateway, `wk/v1/{gateway}/hj212`, whatever its protocol is (contracts §3). SenML tells JSON and CBOR apart by itself. */
export const TOPIC_FORMATS: Readonly<Record<string, ContentType>> = {
  hj212: 'application/x-hj212',
  senml: 'application/senml+json',
};

/** What is spoken over a bare connection, and answered there; over MQTT the answer goes to a topic of its own. */
export const STREAMS: Readonly<Partial<Record<ContentType, StreamProtocol>>> = {
  'application/x-hj212': hj212Stream,
  'application/x-sl651': sl651Stream,
  'application/x-szy206': szy206Stream,
  'application/x-slt427': szy206Stream,
};

export function isContentType(name: string): name is ContentType {
  return Object.hasOwn(CODECS, name);
}

/** How the payloads of a gateway are read; our own JSON is what is spoken unless its entry says something else. */
export function formatOf(gateway: Pick<Gateway, 'protocol'> | undefined): ContentType {
  return SPOKEN[gateway?.protocol ?? 'json'] ?? 'application/json';
}
