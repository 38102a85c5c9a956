/** The readings of a rule test as a door would have taken them: moments become times, series become readings. */
import { durationMs } from '#model/duration.ts';
import { type Flag, isFlag } from '#model/flag.ts';
import type { Arrival } from './play.ts';
import type { RuleTest } from './schema.ts';

/** A word of `values`: a number, `null` or `_`, then `!flag` and `xtimes`. */
const WORD = /^(_|null|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:!([12349]))?(?:x(\d{1,6}))?$/;
/** Missing is what null is (contracts §3). */
const MISSING = 9;

/** Milliseconds of an instant, or of a duration after `startMs`. */
export function momentMs(text: string, startMs: number): number {
  return text.startsWith('P') ? startMs + durationMs(text) : Date.parse(text);
}

export interface SeriesValue {
  value: number | null;
  flag: Flag;
}

/**
 * `0.3 0.6x3 _ null 0.9!3`: one place an interval; `x3` = three places alike, `_` = nothing arrives, `!3` = a flag.
 * @throws RangeError naming the first word that is none of these.
 */
export function seriesValues(text: string): (SeriesValue | null)[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return words.flatMap((word) => {
    const match = WORD.exec(word);
    if (!match || (match[1] === '_' && match[2] !== undefined)) {
      throw new RangeError(`"${word}" is no value: a number, null or _, then !flag, then xtimes`);
    }
    const [, text, flag, times = '1'] = match;
    if (text === '_') return Array(Number(times)).fill(null) as null[];
    const value = text === 'null' ? null : Number(text);
    return Array(Number(times)).fill({ value, flag: flagOf(value, Number(flag ?? 1)) }) as SeriesValue[];
  });
}

function flagOf(value: number | null, given: number): Flag {
  return value === null || !isFlag(given) ? MISSING : given;
}

/** @throws RangeError for a word in `values`, as `seriesValues`. */
export function arrivalsOf({ start, readings, series }: RuleTest): Arrival[] {
  const startMs = Date.parse(start);
  const single = readings.map(
    ({ station, parameter, at, time, value, flag, deviceFlag, censored, received }): Arrival => {
      const timeMs = momentMs(time ?? at!, startMs);
      const receivedMs = received === undefined ? timeMs : momentMs(received, startMs);
      return {
        station,
        parameter,
        timeMs,
        receivedMs,
        value,
        flag: flagOf(value, flag ?? 1),
        deviceFlag: deviceFlag ?? null,
        censored,
      };
    },
  );
  const runs = series.flatMap(({ station, parameter, start: first, interval, values, received }) =>
    seriesValues(values).flatMap((one, index): Arrival[] => {
      if (one === null) return [];
      const timeMs = momentMs(first, startMs) + index * durationMs(interval);
      const receivedMs = received === undefined ? timeMs : momentMs(received, startMs);
      return [{ station, parameter, timeMs, receivedMs, ...one, deviceFlag: null }];
    }),
  );
  return [...single, ...runs];
}
