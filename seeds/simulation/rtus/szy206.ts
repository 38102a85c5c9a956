/** A metered intake of SZY 206-2016: flow and total (self-report C0, type 3) each ten seconds. */
import { crc8 } from '#ingest/codecs/szy206/frame.ts';
import { bcd, beijingStamp, type TcpSpeaker } from './rtu.ts';

/** C: up, no further frames, third attempt left, type 3: flow and volume. */
const CONTROL = 0xb3;
const SELF_REPORT = 0xc0;

export const szy206: TcpSpeaker = {
  protocol: 'szy206',
  intervalMs: 10_000,
  // Administrative code in BCD, station number in binary, the low byte first.
  identify: (n) => ({ address: `410225${hex2((n + 1) & 0xff)}${hex2((n + 1) >> 8)}`.toUpperCase(), password: '0000' }),
  entry: ({ address, station }) => ({
    protocol: 'szy206',
    devices: [{ address, station, layout: 'flow+total' }],
  }),
  fits: ({ flow, register }) => flow !== undefined && register !== undefined,
  report({ address }, { flow = 0, register = 0 }, timeMs) {
    const [day, hour, minute, second] = [6, 8, 10, 12].map((at) => beijingStamp(timeMs).slice(at, at + 2));
    const data = Buffer.concat([
      Buffer.from([CONTROL]),
      Buffer.from(address, 'hex'),
      Buffer.from([SELF_REPORT]),
      little(Math.round(flow * 1000), 5),
      little(Math.floor(register), 5),
      // No alarm; a state of no interest.
      Buffer.alloc(4),
      bcd(`${second}${minute}${hour}${day}`),
      Buffer.from([0]),
    ]);
    return Buffer.concat([Buffer.from([0x68, data.length, 0x68]), data, Buffer.from([crc8(data), 0x16])]);
  },
  confirms: (frame) => frame[9] === SELF_REPORT && frame[3]! < 0x80,
};

const hex2 = (byte: number) => byte.toString(16).padStart(2, '0');

/** BCD with the low digits first, m³/s and a positive sign being zeros. */
function little(value: number, bytes: number): Buffer {
  return bcd(String(value).padStart(bytes * 2, '0')).reverse();
}
