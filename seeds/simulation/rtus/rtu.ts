/** What simulated RTUs of the field's protocols have in common: who they are, and what they make of a measurement. Pure. */

/** One RTU: a gateway of one station, with an address of its own. */
export interface Rtu {
  id: string;
  station: string;
  address: string;
  password: string;
}

/** How a kind of RTU speaks over TCP. */
export interface TcpSpeaker {
  protocol: 'hj212' | 'sl651' | 'szy206';
  intervalMs: number;
  /** Of the n-th RTU, from 0. */
  identify(n: number): Pick<Rtu, 'address' | 'password'>;
  /** What its register entry says besides its stations. */
  entry(rtu: Rtu): object;
  /** Whether it measures what a station has. */
  fits(values: Readonly<Record<string, number>>): boolean;
  /** One report of one moment. @param number rises by one with each. */
  report(rtu: Rtu, values: Readonly<Record<string, number>>, timeMs: number, number: number): Uint8Array;
  /** Whether a frame that came down confirms a report. */
  confirms(frame: Uint8Array): boolean;
}

/** Beijing time, which all of these protocols write: `20261122080000`. */
export function beijingStamp(timeMs: number): string {
  return new Date(timeMs + 8 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
}

/** Digits as BCD, two a byte, the high ones first. */
export function bcd(digits: string): Buffer {
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
}
