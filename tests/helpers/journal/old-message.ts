/** A message's body as programs before entries of kind 2 wrote it. */
import type { JournaledReading, Verdict } from '#model/entry.ts';
import { toMark } from '#model/reading.ts';

const NEGATIVE_ZERO = '-0';
type Value = number | null | typeof NEGATIVE_ZERO;
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

/**
 * The body of a message entry, JSON.
 * @throws RangeError for a value that is not finite or a time that is not whole milliseconds
 *   (steps between times are exact only so): the door lets neither through.
 */
export function oldMessage(gatewaySeq: number | null, readings: readonly JournaledReading[]): string {
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
