/** What tests of the field's protocols share: entries of gateways, and what a codec made of a frame. */
import { readFileSync } from 'node:fs';
import type { Codec, Decoded } from '#ingest/codecs/codec.ts';
import type { Device, Identity } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';

/** 2026-11-30T08:00:10+08:00. */
export const ARRIVAL_MS = Date.parse('2026-11-30T08:00:10+08:00');

export function gatewayOf(devices: Device[], rest: { identity?: Identity; stations?: string[] } = {}): Gateway {
  const stations = rest.stations ?? [...new Set(devices.map(({ station }) => station))];
  return { stations, devices, passwordHash: '', ...(rest.identity && { identity: rest.identity }) };
}

export function decode(codec: Codec, payload: Uint8Array, gateway?: Gateway, arrivalMs: number = ARRIVAL_MS): Decoded {
  return codec.decode(payload, { source: 'g1', gateway, arrivalMs, topic: null });
}

export interface Taken {
  station: unknown;
  time: string;
  values: Record<string, number | null>;
}

/** What can be taken, by parameter and with its unit in the name: `{ 'level m': 14.732 }`. */
export function taken(decoded: Decoded): Taken[] {
  return (decoded.samples ?? [])
    .filter(({ fault, values }) => fault === null && Object.keys(values ?? {}).length > 0)
    .map(({ station, time, values, means }) => ({
      station,
      time: new Date(time as number).toISOString(),
      values: Object.fromEntries(
        Object.entries(values!).map(([name, sent]) => {
          const { value, unit } = (sent ?? { value: null }) as { value: number | null; unit?: string };
          return [[means?.[name] ?? name, ...(unit ? [unit] : [])].join(' '), value];
        }),
      ),
    }));
}

/** Codes of all that was refused or noted. */
export function codes(decoded: Decoded): string[] {
  if (decoded.fault) return [decoded.fault.code];
  const refused = decoded.samples.flatMap(({ fault, values }) =>
    fault ? Array<string>(Math.max(1, Object.keys(values ?? {}).length)).fill(fault.code) : [],
  );
  return [...refused, ...(decoded.notes ?? []).map(({ code }) => code)];
}

export function messages(decoded: Decoded): string {
  if (decoded.fault) return decoded.fault.message;
  const faults = decoded.samples.flatMap(({ fault }) => fault ?? []);
  return [...faults, ...(decoded.notes ?? [])].map(({ message }) => message).join('\n');
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

export function casesOf<T>(name: string): T {
  const file = new URL(`../../cases/protocols/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
