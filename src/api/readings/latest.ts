/** What a station's water is like right now, from the newest readings in memory (contracts §4, `latest`). */

import { isoText } from '#api/instants.ts';
import type { Latest } from '#api/readings/schemas/readings.ts';
import { classOf, participates, worstClass } from '#assess/classify.ts';
import { durationMs } from '#model/duration.ts';
import { isUsable } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import type { Station } from '#model/register.ts';

/** How long a value is young where the station lists no interval. */
const YOUNG_MS = 3_600_000;
const YOUNG_INTERVALS = 3;

/** @param newest the newest reading of each parameter that the station ever had. */
export function latestOf(
  station: Station & { id: string },
  newest: readonly { parameter: Parameter; reading: Reading }[],
  standard: Standard,
  nowMs: number,
): Latest {
  const young = (parameter: string, reading: Reading) => nowMs - reading.timeMs < youngMs(station, parameter);
  const items = newest.map(({ parameter, reading }) => ({
    parameter: parameter.id,
    unit: parameter.unit,
    time: isoText(reading.timeMs),
    value: reading.value,
    flag: reading.flag,
    ...(reading.deviceFlag === null ? {} : { deviceFlag: reading.deviceFlag }),
    ...(reading.censored && { censored: reading.censored }),
    class:
      reading.value !== null && isUsable(reading.flag)
        ? classOf(standard, parameter.id, station.waterBody, reading.value)
        : null,
  }));
  const fresh = new Set(
    newest.filter(({ parameter, reading }) => young(parameter.id, reading)).map(({ parameter }) => parameter.id),
  );
  const judged = items.filter((item) => fresh.has(item.parameter) && participates(standard, item.parameter));
  const reached = worstClass(judged.flatMap((item) => (item.class === null ? [] : [item.class])));
  return {
    station: station.id,
    class: reached,
    limiting:
      reached === null || reached === 'I'
        ? []
        : judged.filter((item) => item.class === reached).map((item) => item.parameter),
    stale: items.flatMap(({ parameter }) => (fresh.has(parameter) ? [] : [parameter])).sort(),
    items,
  };
}

function youngMs(station: Station, parameter: string): number {
  const interval = station.parameters.find(({ id }) => id === parameter)?.interval;
  return interval === undefined ? YOUNG_MS : YOUNG_INTERVALS * durationMs(interval);
}
