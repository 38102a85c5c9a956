/**
 * Checksums of rows at rest: written with a row, compared whenever it is read (docs/decisions/0024), so that a bit that
 * flipped on the disk is never told as a number. Three forms, each for how its rows are read. A row without one is of an earlier version, and
 * is believed until it is written again.
 */
import { crc32 } from 'node:zlib';
import type { Statistics } from '#model/statistics.ts';

const BYTES = new ArrayBuffer(64);
const NUMBERS = new Float64Array(BYTES);
const WORDS = new Uint32Array(BYTES);
const STATISTICS_WORDS = 14;

/**
 * Of an hour or a day: a multiplicative hash over the 32-bit words of its numbers, each step a bijection of the state, so that a
 * change within one word always shows, and any other with 1 − 2⁻³¹.
 * @returns 31 bits, which are a small integer to SQLite and to V8.
 */
export function statisticsChecksum(
  series: number,
  startMs: number,
  count: number,
  valid: number,
  sum: number,
  min: number | null,
  max: number | null,
): number {
  NUMBERS[0] = series;
  NUMBERS[1] = startMs;
  NUMBERS[2] = count;
  NUMBERS[3] = valid;
  // A column of reals gives back no negative zero.
  NUMBERS[4] = sum + 0;
  NUMBERS[5] = min === null ? Number.NaN : min + 0;
  NUMBERS[6] = max === null ? Number.NaN : max + 0;
  let hash = 0;
  for (let word = 0; word < STATISTICS_WORDS; word++) {
    hash = Math.imul(hash ^ WORDS[word]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash & 0x7fffffff;
}

/** What `statisticsOf` reads, in its order, after the time. */
export const STATISTICS_COLUMNS = 'count, valid, sum, min, max, checksum';

/** A row of a statement that returns arrays: the time, then `STATISTICS_COLUMNS`. */
export type StatisticsCells = [
  startMs: number,
  count: number,
  valid: number,
  sum: number,
  min: number | null,
  max: number | null,
  checksum: number | null,
];

export function isSoundStatistics(series: number, cells: StatisticsCells): boolean {
  const [startMs, count, valid, sum, min, max, checksum] = cells;
  return checksum === null || checksum === statisticsChecksum(series, startMs, count, valid, sum, min, max);
}

export function statisticsOf([, count, valid, sum, min, max]: StatisticsCells): Statistics {
  return { count, valid, sum, min, max };
}

/** The largest prime that fits beside a mark in two bytes. */
const READING_PRIME = 509;
const MARK_STEP = 64;

/**
 * A reading's mark (`toMark`) with its checksum above it, in one number of two bytes: the residue of a sum of 32-bit words, each
 * with its factor. A single bit that flips changes a word by a power of two, which the prime never divides: it always
 * shows; more of them, with 1 − 1/509.
 */
export function sealedMark(
  series: number,
  timeMs: number,
  value: number | null,
  mark: number,
  deviceFlag: string | null,
): number {
  return mark + MARK_STEP * readingChecksum(series, timeMs, value, mark, deviceFlag);
}

export function isSoundReading(
  series: number,
  timeMs: number,
  value: number | null,
  sealed: number,
  deviceFlag: string | null,
): boolean {
  if (sealed < MARK_STEP) return sealed >= 0;
  return sealed === sealedMark(series, timeMs, value, unsealed(sealed), deviceFlag);
}

export function unsealed(sealed: number): number {
  return sealed & (MARK_STEP - 1);
}

/** 1 to 509; 0 stands for none. */
function readingChecksum(
  series: number,
  timeMs: number,
  value: number | null,
  mark: number,
  deviceFlag: string | null,
): number {
  NUMBERS[0] = timeMs;
  NUMBERS[1] = value === null ? Number.NaN : value + 0;
  const numbers = WORDS[0]! * 3 + WORDS[1]! * 5 + WORDS[2]! * 7 + WORDS[3]! * 11;
  return ((numbers + series * 13 + mark * 17 + textWord(deviceFlag) * 19) % READING_PRIME) + 1;
}

function textWord(text: string | null): number {
  if (text === null) return 0;
  let word = 1;
  for (let index = 0; index < text.length; index++) word = (word * 31 + text.charCodeAt(index)) % 0xfffffffb;
  return word;
}

/**
 * Of volumes, which the database itself adds up and moves by constants: a linear combination of their integers, so that sums and
 * differences of rows that are sound are sound, and what was damaged stays so. An expression of SQL.
 * @param at the column of the time. @param prefix of the columns, such as `excluded.`.
 */
export function volumeChecksum(at: string, prefix = ''): string {
  return `${prefix}${at} / 3600000 + ${litresChecksum(`${prefix}measuredLitres`, `${prefix}estimatedLitres`, `${prefix}knownMs`)}`;
}

/** The part of it that moves. */
export function litresChecksum(measured: string, estimated: string, knownMs: string): string {
  return `${measured} * 31 + ${estimated} * 1009 + ${knownMs} * 7`;
}

/** True, false, or null (of an earlier version). An expression of SQL. */
export function isSoundVolume(at: string): string {
  return `checksum = ${volumeChecksum(at)}`;
}

/** Of what is rarely read and holds texts. */
export function fieldsChecksum(fields: readonly (string | number | null)[]): number {
  return crc32(JSON.stringify(fields));
}

export function isSoundFields(fields: readonly (string | number | null)[], checksum: number | null): boolean {
  return checksum === null || checksum === fieldsChecksum(fields);
}

/** `checksum` of every kind of row of the books; none in the rows that are there. */
export const checksumsDdl = `
  ALTER TABLE hourStat ADD COLUMN checksum INTEGER;
  ALTER TABLE dayStat ADD COLUMN checksum INTEGER;
  ALTER TABLE volumeHour ADD COLUMN checksum INTEGER;
  ALTER TABLE volumeDay ADD COLUMN checksum INTEGER;
  ALTER TABLE volumeDecision ADD COLUMN checksum INTEGER;
`;
