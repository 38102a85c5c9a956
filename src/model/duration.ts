/** Durations as settings and bodies write them: ISO 8601 without years and months (`PT2H`, `P7D`) or `20ms`. */

const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/**
 * Milliseconds of a duration. Years and months have no fixed length and are refused.
 * @throws RangeError naming the text when it is no such duration.
 */
export function durationMs(text: string): number {
  const short = /^(\d+)ms$/.exec(text);
  if (short) return Number(short[1]);
  const match = ISO.exec(text);
  if (!match || text === 'P' || text.endsWith('T'))
    throw new RangeError(`"${text}" is no duration such as PT5M, P7D or 20ms`);
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return ((weeks * 7 + days) * 24 + hours) * 3_600_000 + minutes * 60_000 + Math.round(seconds * 1000);
}

/**
 * Bytes of a size such as `262144`, `256KiB`, `10GiB`.
 * @throws RangeError naming the text.
 */
export function sizeBytes(text: string): number {
  const match = /^(\d+)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(text);
  if (!match) throw new RangeError(`"${text}" is no size such as 262144, 256KiB or 10GiB`);
  const power = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(match[2] ?? 'B');
  return Number(match[1]) * 1024 ** power;
}
