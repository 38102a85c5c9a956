/**
 * What codecs of binary and framed protocols share: a value's place in the payload, and excerpts. A frame with a checksum
 * can't be cut, so an excerpt is the payload as it came with the places of the values that it is about; read again, it
 * holds these alone.
 */
import { isAscii } from 'node:buffer';
import type { Fault } from '#model/faults.ts';
import { type Codec, type Decoded, MAX_VALUES, type Part, type Sample, type Sender, shortened } from './codec.ts';

/**
 * Whole frames → samples. `Sample.index` is the place of something in the payload that no change of an entry moves (the
 * frame, counted from 0; several samples may have one), `Sample.sent` is left to `frameCodec`.
 */
export type DecodeFrames = (payload: Uint8Array, sender: Sender) => Decoded;

/**
 * `{ "only": [["0", "w01001"], ["1"]], "at": 1795996800000, "text" or "base64": … }`: samples by index (several may share one),
 * values by name; a sample alone as a whole. `at` is when the frame came: times without a year are read by that, whenever
 * the excerpt is read.
 */
interface Excerpt {
  only: string[][];
  at: number;
  text?: string;
  base64?: string;
}

/** What `Sample.sent` holds. */
interface Sent {
  payload: Uint8Array;
  arrivalMs: number;
}

/** @param decodeFrames must give the same samples in the same order for the same payload and sender. */
export function frameCodec(decodeFrames: DecodeFrames): Codec {
  return {
    decode(payload, sender) {
      const excerpt = payload[0] === 0x7b ? excerptIn(payload) : null;
      const whole = excerpt ? payloadOf(excerpt) : payload;
      const arrivalMs = excerpt?.at ?? sender.arrivalMs;
      const decoded = decodeFrames(whole, excerpt ? { ...sender, arrivalMs } : sender);
      if (decoded.fault) return decoded;
      // No value takes less than a byte.
      if (whole.length > MAX_VALUES && isTooMany(decoded.samples)) return { fault: TOO_MANY, seq: decoded.seq };
      const sent: Sent = { payload: whole, arrivalMs };
      for (const sample of decoded.samples) sample.sent = sent;
      return excerpt ? { ...decoded, samples: only(decoded.samples, excerpt.only) } : decoded;
    },
    path: ({ index }, name) => (name === null ? `samples[${index}]` : `samples[${index}].${shortened(name)}`),
    excerpt: (sample, names) => toExcerpt(sample, [{ sample, names }]),
    excerptOfSeveral: (parts) => toExcerpt(parts[0]!.sample, parts),
  };
}

const TOO_MANY: Fault = {
  code: 'message.too-many-values',
  message: `The message holds more than ${MAX_VALUES} values.`,
};

function isTooMany(samples: readonly Sample[]): boolean {
  let count = 0;
  for (const { values } of samples) {
    if (values === null) count++;
    else for (const _ in values) count++;
  }
  return count > MAX_VALUES;
}

function toExcerpt({ sent }: Sample, parts: readonly Part[]): Uint8Array {
  const only = parts.flatMap(({ sample: { index }, names }) =>
    names === null ? [[String(index)]] : names.map((name) => [String(index), name]),
  );
  const { payload, arrivalMs: at } = sent as Sent;
  const bytes = Buffer.from(payload);
  const kept: Excerpt = isAscii(bytes)
    ? { only, at, text: bytes.toString('latin1') }
    : { only, at, base64: bytes.toString('base64') };
  return Buffer.from(JSON.stringify(kept));
}

/** Null for anything but what `toExcerpt` makes: it is then no frame of any protocol, and refused as such. */
function excerptIn(payload: Uint8Array): Excerpt | null {
  try {
    const found = JSON.parse(Buffer.from(payload).toString('utf8')) as Partial<Excerpt> | null;
    const isExcerpt = Array.isArray(found?.only) && found.only.every((place) => Array.isArray(place));
    const isWhole = typeof (found?.text ?? found?.base64) === 'string' && Number.isFinite(found?.at);
    return isExcerpt && isWhole ? (found as Excerpt) : null;
  } catch {
    return null;
  }
}

function payloadOf({ text, base64 }: Excerpt): Uint8Array {
  return text === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(text, 'latin1');
}

function only(samples: readonly Sample[], places: readonly string[][]): Sample[] {
  const wanted = new Map<string, Set<string> | null>();
  for (const [index, name] of places as [string, string?][]) {
    if (name === undefined) wanted.set(index, null);
    else wanted.getOrInsertComputed(index, () => new Set())?.add(name);
  }
  const kept: Sample[] = [];
  for (const sample of samples) {
    const names = wanted.get(String(sample.index));
    if (names === undefined) continue;
    const values = Object.entries(sample.values ?? {}).filter(([name]) => names === null || names.has(name));
    if (sample.values !== null && values.length === 0) continue;
    kept.push({ ...sample, values: sample.values === null ? null : Object.fromEntries(values) });
  }
  return kept;
}
