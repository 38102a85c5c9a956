/** What a codec makes of a payload, value by value, and the fuzzing that every codec has to bear. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Codec, Sample, Sender } from '#ingest/codecs/codec.ts';
import type { Gateway } from '#model/register.ts';

/** 2026-11-30T08:00:00Z: when the payloads of tests/cases/protocols arrive. */
export const ARRIVAL_MS = 1_796_025_600_000;

export function gatewayOf(rest: Partial<Gateway>): Gateway {
  return { stations: ['st-31'], passwordHash: '', ...rest };
}

export function senderOf(gateway: Gateway | undefined, rest: Partial<Sender> = {}): Sender {
  return { source: 'g1', gateway, arrivalMs: ARRIVAL_MS, topic: null, ...rest };
}

export interface Told {
  station: unknown;
  time: unknown;
  name: string;
  value: unknown;
}

/** Every value of samples without a fault, in their order. */
export function valuesOf(samples: readonly Sample[] | undefined): Told[] {
  return (samples ?? []).flatMap(({ station, time, values, fault }) =>
    fault ? [] : Object.entries(values ?? {}).map(([name, value]) => ({ station, time, name, value })),
  );
}

/** Every fault, with the place that it is told at. */
export function faultsOf(codec: Codec, samples: readonly Sample[] | undefined) {
  return (samples ?? []).flatMap((sample) => {
    if (!sample.fault) return [];
    const names = sample.values === null ? [null] : Object.keys(sample.values);
    return names.map((name) => ({ code: sample.fault!.code, path: codec.path(sample, name) }));
  });
}

export function casesOf<T>(name: string): T {
  const path = fileURLToPath(new URL(`../../cases/protocols/${name}.json`, import.meta.url));
  return (JSON.parse(readFileSync(path, 'utf8')) as { vectors: T }).vectors;
}

/** Frames that every codec is fuzzed with; `WK_FUZZ_FRAMES` asks for more. */
export const FUZZ_FRAMES = Number(process.env.WK_FUZZ_FRAMES ?? 20_000);

/** A payload as a bad line, a foreign program or an enemy would send it: bits flipped, cut, doubled, and noise. */
export function* mangled(seeds: readonly Uint8Array[], count: number, seed = 1): Generator<Uint8Array> {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let n = 0; n < count; n++) {
    const bytes = Uint8Array.from(seeds[random(seeds.length)]!);
    const kind = random(5);
    if (kind === 0) yield bytes.subarray(0, random(bytes.length + 1));
    else if (kind === 1) yield Uint8Array.from([...bytes.subarray(random(bytes.length)), ...bytes]);
    else if (kind === 2) yield Uint8Array.from({ length: random(200) }, () => random(256));
    else {
      for (let flips = 1 + random(4); flips > 0 && bytes.length > 0; flips--) {
        const at = random(bytes.length);
        bytes[at] = kind === 3 ? bytes[at]! ^ (1 << random(8)) : random(256);
      }
      yield bytes;
    }
  }
}
