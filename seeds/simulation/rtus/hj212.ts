/** A water-quality station of HJ 212 with the surface-water codes: real-time data (2011) each ten seconds. */
import { checksumOf, hex4 } from '#ingest/codecs/hj212/checksum.ts';
import { beijingStamp, type TcpSpeaker } from './rtu.ts';

/** Parameters by their codes (HJ 525), with the decimals of usual instruments. */
const CODES: Readonly<Record<string, readonly [code: string, decimals: number]>> = {
  temp: ['w01010', 1],
  ph: ['w01001', 2],
  do: ['w01009', 2],
  ec: ['w01014', 1],
  turbidity: ['w01003', 1],
  codmn: ['w01019', 2],
  nh3n: ['w21003', 3],
  tp: ['w21011', 3],
  tn: ['w21001', 2],
};

export const hj212: TcpSpeaker = {
  protocol: 'hj212',
  intervalMs: 10_000,
  identify: (n) => ({ address: `A110000_${String(n + 1).padStart(4, '0')}`, password: '123456' }),
  entry: ({ address, password }) => ({ protocol: 'hj212', identity: { mn: address, password } }),
  fits: ({ ph, flow }) => ph !== undefined && flow === undefined,
  report({ address, password }, values, timeMs) {
    const fields = Object.entries(values).flatMap(([name, value]) => {
      const [code, decimals] = CODES[name] ?? [];
      return code === undefined ? [] : [`${code}-Rtd=${value.toFixed(decimals)},${code}-Flag=N`];
    });
    const stamp = beijingStamp(timeMs);
    const body = [`DataTime=${stamp}`, ...fields].join(';');
    return frame(`QN=${stamp}000;ST=21;CN=2011;PW=${password};MN=${address};Flag=9;CP=&&${body}&&`);
  },
  confirms: (frame) => Buffer.from(frame).includes('CN=9014;'),
};

function frame(segment: string): Uint8Array {
  const crc = hex4(checksumOf(Buffer.from(segment)));
  return Buffer.from(`##${String(segment.length).padStart(4, '0')}${segment}${crc}\r\n`);
}
