/** A hydrological station of SL 651 in the HEX/BCD form: timed reports (32H) of level and water quality each minute. */
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { bcd, beijingStamp, type TcpSpeaker } from './rtu.ts';

/** Identifiers of table C.1, with digits and decimals. */
const ELEMENTS: Readonly<Record<string, readonly [id: number, digits: number, decimals: number]>> = {
  temp: [0x03, 3, 1],
  level: [0x39, 7, 3],
  ph: [0x46, 4, 2],
  do: [0x47, 4, 1],
  ec: [0x48, 5, 0],
  turbidity: [0x49, 3, 0],
  codmn: [0x4a, 4, 1],
  nh3n: [0x4c, 6, 2],
  tp: [0x4d, 5, 3],
  tn: [0x4e, 5, 2],
};
const TIMED_REPORT = 0x32;
const WATER_QUALITY = 0x51;
const EOT = 0x04;
const ESC = 0x1b;

export const sl651: TcpSpeaker = {
  protocol: 'sl651',
  // The standard's times have no seconds.
  intervalMs: 60_000,
  identify: (n) => ({ address: `00623${String(n + 1).padStart(5, '0')}`, password: '03E8' }),
  entry: ({ address, password }) => ({ protocol: 'sl651', identity: { stationAddress: address, password } }),
  fits: ({ ph, level, flow }) => ph !== undefined && level === undefined && flow === undefined,
  report({ address, password }, values, timeMs, number) {
    const stamp = beijingStamp(timeMs).slice(2);
    const station = Buffer.from(address, 'hex');
    const elements = Object.entries(values).flatMap(([name, value]) => element(name, value));
    const body = Buffer.concat([
      Buffer.from([((number % 65_535) >> 8) & 0xff, ((number % 65_535) & 0xff) + 0]),
      bcd(stamp),
      Buffer.from([0xf1, 0xf1]),
      station,
      Buffer.from([WATER_QUALITY, 0xf0, 0xf0]),
      bcd(stamp.slice(0, 10)),
      ...elements,
    ]);
    const frame = Buffer.concat([
      Buffer.from([0x7e, 0x7e, 0x01]),
      station,
      Buffer.from(password, 'hex'),
      Buffer.from([TIMED_REPORT, body.length >> 8, body.length & 0xff, 0x02]),
      body,
      Buffer.from([0x03]),
    ]);
    const crc = crc16(frame);
    return Buffer.concat([frame, Buffer.from([crc >> 8, crc & 0xff])]);
  },
  confirms: (frame) => [EOT, ESC].includes(frame.at(-3)!),
};

/** Identifier, bytes and decimals in one byte, BCD digits. */
function element(name: string, value: number): Buffer[] {
  const [id, digits, decimals] = ELEMENTS[name] ?? [];
  if (id === undefined || value < 0) return [];
  const bytes = Math.ceil(digits! / 2);
  const written = Math.round(value * 10 ** decimals!)
    .toString()
    .padStart(bytes * 2, '0');
  return [Buffer.from([id, (bytes << 3) | decimals!]), bcd(written)];
}
