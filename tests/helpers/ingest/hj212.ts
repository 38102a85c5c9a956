/** Frames of HJ 212, and who sends them. */
import type { Sample, Sender } from '#ingest/codecs/codec.ts';
import { checksumOf, hex4 } from '#ingest/codecs/hj212/checksum.ts';
import { hj212 } from '#ingest/codecs/hj212/index.ts';
import type { Gateway } from '#model/register.ts';

/** 2026-11-30T08:00:00+08:00. */
const ARRIVAL_MS = Date.UTC(2026, 10, 30);
export const MN = 'A410000_0007';

/** A frame with its CR LF; its length and checksum are right unless told. */
export function frameOf(segment: string | Uint8Array, said: { length?: number; checksum?: string } = {}): Buffer {
  const bytes = typeof segment === 'string' ? Buffer.from(segment, 'latin1') : Buffer.from(segment);
  const length = String(said.length ?? bytes.length).padStart(4, '0');
  const checksum = said.checksum ?? hex4(checksumOf(bytes));
  return Buffer.concat([Buffer.from(`##${length}`), bytes, Buffer.from(`${checksum}\r\n`)]);
}

/** A segment of the surface-water station. */
export function segmentOf(cn: string, area: string, rest = ''): string {
  return `QN=20261130080000001;ST=21;CN=${cn};PW=123456;MN=${MN};Flag=9;${rest}CP=&&${area}&&`;
}

export function gatewayOf(rest: Partial<Gateway> = {}): Gateway {
  return { stations: ['taocha'], protocol: 'hj212', identity: { mn: MN }, passwordHash: '', ...rest };
}

export function senderOf(rest: Partial<Gateway> = {}, own: Partial<Sender> = {}): Sender {
  return { source: 'gw', gateway: gatewayOf(rest), arrivalMs: ARRIVAL_MS, topic: null, ...own };
}

/** What a payload is to a gateway: values by name with their times, the code of its fault, codes of its notes. */
export function readingsIn(payload: Uint8Array, sender: Sender = senderOf()) {
  const decoded = hj212.decode(payload, sender);
  if (decoded.fault) return { fault: decoded.fault, values: [], notes: [] as string[], samples: [] as Sample[] };
  const { samples } = decoded;
  const values = samples.flatMap(({ time, values: named, fault, control }) =>
    Object.entries(named ?? { '': null }).map(([name, value]) => ({ name, value, time, fault, control })),
  );
  return { fault: null, values, notes: (decoded.notes ?? []).map(({ code }) => code), samples };
}
