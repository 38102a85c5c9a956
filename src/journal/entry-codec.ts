/**
 * How an entry stands in its row. A message's readings are kept as columns in a JSON array, about 15 bytes a
 * reading, because they are written on the ingest thread and parsed in every follower. Exact for every double.
 */
import type { Command, Entry, JournaledReading, Verdict } from '#model/entry.ts';
import { censoredOfMark, flagOfMark, toMark } from '#model/reading.ts';

/** Columns of the `entry` table that make an Entry. */
export interface EntryRow {
  seq: number;
  receivedMs: number;
  kind: string;
  source: string | null;
  body: string | null;
}

/** JSON has no negative zero: it stands as this text among the numbers. */
const NEGATIVE_ZERO = '-0';
type Value = number | null | typeof NEGATIVE_ZERO;

/**
 * `flags` and `verdicts` have one letter a reading, or one letter for all. A flag's letter is its digit; of a censored
 * reading (`toMark`) one as far beyond '0': `A` = good, below a limit. `steps` are time differences to the
 * reading before (the first one's to `baseMs`), 0 when all are at `baseMs`; `deviceFlags` 0 when none has one.
 */
type MessageBody = [
  gatewaySeq: number | null,
  baseMs: number,
  series: number[],
  values: Value[],
  flags: string,
  verdicts: string,
  steps: number[] | 0,
  deviceFlags: (string | null)[] | 0,
];

const ZERO = '0'.charCodeAt(0);

const VERDICT_LETTERS: Record<Verdict, string> = { new: 'n', duplicate: 'd', correction: 'c', unsettled: 'u' };
const VERDICTS: Record<string, Verdict> = { n: 'new', d: 'duplicate', c: 'correction', u: 'unsettled' };

/**
 * The body of a message entry.
 * @throws RangeError for a value that is not finite or a time that is not whole milliseconds
 *   (steps between times are exact only so): the door lets neither through.
 */
export function encodeMessage(gatewaySeq: number | null, readings: readonly JournaledReading[]): string {
  const count = readings.length;
  const baseMs = count === 0 ? 0 : readings[0]!.timeMs;
  const series = new Array<number>(count);
  const values = new Array<Value>(count);
  const steps = new Array<number>(count);
  let flags = '';
  let verdicts = '';
  let previousMs = baseMs;
  let hasSteps = false;
  let hasDeviceFlags = false;
  for (let index = 0; index < count; index++) {
    const reading = readings[index]!;
    series[index] = reading.series;
    values[index] = toValue(reading);
    flags += reading.censored === undefined ? reading.flag : String.fromCharCode(ZERO + toMark(reading));
    verdicts += VERDICT_LETTERS[reading.verdict];
    steps[index] = reading.timeMs - previousMs;
    if (reading.timeMs !== previousMs) hasSteps = true;
    if (reading.deviceFlag !== null) hasDeviceFlags = true;
    if (!Number.isSafeInteger(reading.timeMs)) {
      throw new RangeError(`time ${reading.timeMs} is not whole milliseconds`);
    }
    previousMs = reading.timeMs;
  }
  const deviceFlags = hasDeviceFlags ? readings.map((reading) => reading.deviceFlag) : 0;
  const body: MessageBody = [
    gatewaySeq,
    baseMs,
    series,
    values,
    oneForAll(flags),
    oneForAll(verdicts),
    hasSteps ? steps : 0,
    deviceFlags,
  ];
  return JSON.stringify(body);
}

function toValue({ value }: JournaledReading): Value {
  if (value === null) return null;
  if (!Number.isFinite(value)) throw new RangeError(`value ${value} is not finite`);
  return value === 0 && Object.is(value, -0) ? NEGATIVE_ZERO : value;
}

function oneForAll(letters: string): string {
  const first = letters.charAt(0);
  for (let index = 1; index < letters.length; index++) if (letters.charAt(index) !== first) return letters;
  return first;
}

/** The readings and the gateway's own number of a message body. */
export function decodeMessage(text: string): { gatewaySeq: number | null; readings: JournaledReading[] } {
  const [gatewaySeq, baseMs, series, values, flags, verdicts, steps, deviceFlags] = JSON.parse(text) as MessageBody;
  const readings = new Array<JournaledReading>(series.length);
  let timeMs = baseMs;
  for (let index = 0; index < series.length; index++) {
    if (steps !== 0) timeMs += steps[index]!;
    const value = values[index]!;
    const mark = flags.charCodeAt(flags.length === 1 ? 0 : index) - ZERO;
    const reading: JournaledReading = {
      series: series[index]!,
      timeMs,
      value: value === NEGATIVE_ZERO ? -0 : value,
      flag: flagOfMark(mark),
      deviceFlag: deviceFlags === 0 ? null : deviceFlags[index]!,
      verdict: VERDICTS[verdicts.charAt(verdicts.length === 1 ? 0 : index)]!,
    };
    const censored = censoredOfMark(mark);
    if (censored !== undefined) reading.censored = censored;
    readings[index] = reading;
  }
  return { gatewaySeq, readings };
}

/**
 * The entry that a row holds.
 * @throws Error for a kind that this program doesn't know.
 */
export function decodeEntry(row: EntryRow): Entry {
  const { seq, receivedMs } = row;
  switch (row.kind) {
    case 'message': {
      const { gatewaySeq, readings } = decodeMessage(row.body!);
      return { kind: 'message', seq, receivedMs, source: row.source!, gatewaySeq, readings };
    }
    case 'command':
      return { kind: 'command', seq, receivedMs, actor: row.source!, command: JSON.parse(row.body!) as Command };
    case 'tick':
      return { kind: 'tick', seq, receivedMs };
    case 'start':
      return { kind: 'start', seq, receivedMs, downSinceMs: JSON.parse(row.body!) as number | null };
    default:
      throw new Error(`journal entry ${seq} has the unknown kind ${row.kind}`);
  }
}
