/**
 * Keeps the hourly volumes true to the readings: what changed is marked, and exactly the hours between the last read
 * before it that is certain and the first one after are rebuilt from the store. Runs inside the books follower.
 */

import { floorHour, HOUR_MS } from '#model/calendar.ts';
import { isUsable } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { Parameter } from '#model/reference.ts';
import { type HourVolume, hourVolumes } from '#volume/hours.ts';
import { type MeterProfile, meterProfile } from '#volume/profile.ts';
import { isAnchor, type MeterPoint, meterSegments } from '#volume/segments.ts';
import type { Control } from './control.ts';
import type { JournalReader } from './journal-port.ts';
import type { ReadingStore } from './reading-store.ts';
import { type Database, transaction } from './sqlite.ts';

/** About as many readings are rebuilt in one step; a longer range takes several. */
const CHUNK = 5000;
const PAGE = 512;
/** Marks no further apart than this are rebuilt together: so much unchanged time costs less than another rebuild. */
const MERGED_GAP_MS = 36 * HOUR_MS;
const LOOK = 64;
const LOOK_BACK_MAX = 2048;
/** The bounds of ECMAScript time values. */
const BEGINNING_OF_TIME_MS = -8.64e15;
export const END_OF_TIME_MS = 8.64e15;

export interface VolumeBooks {
  /** Marks, in the caller's open transaction, that readings of this series in [fromMs, toMs] changed. */
  mark(series: number, fromMs: number, toMs: number): void;
  /** Rebuilds one marked range. @returns whether there is more to do. */
  step(): Promise<boolean>;
}

interface Options {
  derived: Database;
  store: ReadingStore;
  reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>;
  control: Control;
  /** The parameter `register`: knows the units of meters' faces. */
  register: Parameter;
}

interface Dirty {
  id: number;
  meter: string;
  fromMs: number;
  toMs: number;
}

export function createVolumeBooks({ derived, store, reader, control, register }: Options): VolumeBooks {
  const insertMark = derived.prepare('INSERT INTO volumeDirty (meter, fromMs, toMs) VALUES (?, ?, ?)');
  const firstMark = derived.prepare('SELECT meter FROM volumeDirty ORDER BY id LIMIT 1');
  const marksOf = derived.prepare('SELECT id, meter, fromMs, toMs FROM volumeDirty WHERE meter = ? ORDER BY fromMs');
  const deleteMark = derived.prepare('DELETE FROM volumeDirty WHERE id = ?');
  const rows = hourRows(derived);

  // A meter that is new, changed or gone is rebuilt from its first reading.
  control.onChange(({ command }) => {
    if ((command.verb === 'put' || command.verb === 'delete') && command.noun === 'meter') {
      insertMark.run(command.id, BEGINNING_OF_TIME_MS, END_OF_TIME_MS);
    }
  });

  return {
    mark(seriesId, fromMs, toMs) {
      const series = reader.seriesById(seriesId);
      if (!series || (series.parameter !== 'register' && series.parameter !== 'flow')) return;
      for (const { id, body } of control.list('meter')) {
        if (body.station === series.station && body.parameter === series.parameter) insertMark.run(id, fromMs, toMs);
      }
    },
    async step() {
      const first = firstMark.get() as { meter: string } | undefined;
      if (!first) return false;
      const marks = marksOf.all(first.meter) as unknown as Dirty[];
      const taken = mergeLeading(marks);
      const meter = control.get('meter', first.meter);
      const series = meter && reader.seriesByName(meter.station, meter.parameter);
      if (!meter || !series) {
        transaction(derived, () => {
          rows.replace(first.meter, BEGINNING_OF_TIME_MS, END_OF_TIME_MS, []);
          for (const { id } of marks) deleteMark.run(id);
        });
        return true;
      }
      const rebuilt = await rebuild(store, series.id, meterProfile(meter, register), taken.fromMs, taken.toMs);
      transaction(derived, () => {
        rows.replace(first.meter, rebuilt.fromHourMs, rebuilt.toHourMs, rebuilt.hours);
        for (const { id } of taken.marks) deleteMark.run(id);
        if (rebuilt.restFromMs !== null) insertMark.run(first.meter, rebuilt.restFromMs, taken.toMs);
      });
      return true;
    },
  };
}

/** The first mark with all that follow closely: a backfill's thousand marks are one rebuild. */
function mergeLeading(marks: readonly Dirty[]): { fromMs: number; toMs: number; marks: Dirty[] } {
  const taken = { fromMs: marks[0]!.fromMs, toMs: marks[0]!.toMs, marks: [] as Dirty[] };
  for (const mark of marks) {
    if (mark.fromMs > taken.toMs + MERGED_GAP_MS) break;
    taken.toMs = Math.max(taken.toMs, mark.toMs);
    taken.marks.push(mark);
  }
  return taken;
}

interface Rebuilt {
  fromHourMs: number;
  toHourMs: number;
  hours: HourVolume[];
  /** Where the next step begins when the range was too long for one, else null. */
  restFromMs: number | null;
}

/**
 * A change reaches back to the last certain read before it and ahead to the first certain one after it. The hours in
 * between are rebuilt whole, so points are read from one certain read further out on either side.
 */
async function rebuild(
  store: ReadingStore,
  series: number,
  profile: MeterProfile,
  fromMs: number,
  toMs: number,
): Promise<Rebuilt> {
  const reachedMs = await anchorBefore(store, series, profile, fromMs);
  const fromHourMs = floorHour(reachedMs);
  const startMs = await anchorBefore(store, series, profile, fromHourMs + 1);
  const points: MeterPoint[] = [];
  let cursorMs = startMs;
  for (;;) {
    const page = await store.read(series, cursorMs, END_OF_TIME_MS, PAGE);
    points.push(...goodPoints(profile, page));
    if (page.length < PAGE) return built(profile, points, fromHourMs, END_OF_TIME_MS, null);
    cursorMs = page.at(-1)!.timeMs + 1;
    const endMs = certainHourAfter(profile, points, toMs);
    if (endMs !== null) return built(profile, points, fromHourMs, endMs, null);
    if (points.length >= CHUNK) {
      const cutMs = floorHour(points[lastAnchor(profile, points) ?? points.length - 1]!.timeMs);
      if (cutMs > fromHourMs && cutMs > points[0]!.timeMs) return built(profile, points, fromHourMs, cutMs, cutMs);
    }
  }
}

function built(
  profile: MeterProfile,
  points: MeterPoint[],
  fromHourMs: number,
  toHourMs: number,
  restFromMs: number | null,
): Rebuilt {
  const { segments } = meterSegments(profile, points);
  return { fromHourMs, toHourMs, hours: hourVolumes(segments, fromHourMs, toHourMs), restFromMs };
}

function goodPoints(profile: MeterProfile, readings: readonly Reading[]): MeterPoint[] {
  const points: MeterPoint[] = [];
  for (const { timeMs, value, flag } of readings) {
    if (value !== null && isUsable(flag) && timeMs >= profile.fromMs && timeMs < profile.toMs)
      points.push({ timeMs, value });
  }
  return points;
}

/** Time of the last read before `beforeMs` that is accepted whatever came before it; the beginning of time if there is none. */
async function anchorBefore(
  store: ReadingStore,
  series: number,
  profile: MeterProfile,
  beforeMs: number,
): Promise<number> {
  let points: MeterPoint[] = [];
  let untilMs = beforeMs;
  for (let seen = 0; seen < LOOK_BACK_MAX; seen += LOOK) {
    const page = await store.before(series, untilMs, LOOK);
    points = [...goodPoints(profile, page), ...points];
    const anchor = lastAnchor(profile, points);
    if (anchor !== null) return points[anchor]!.timeMs;
    if (page.length < LOOK) return BEGINNING_OF_TIME_MS;
    untilMs = page[0]!.timeMs;
  }
  // A register of which no two reads agree (its maxFlow is wrong, most likely) must not be read whole each time.
  return points[0]?.timeMs ?? untilMs;
}

/** Index of the last point that is an anchor, or null. */
function lastAnchor(profile: MeterProfile, points: readonly MeterPoint[]): number | null {
  for (let index = points.length - 1; index > 0; index--) {
    if (isAnchor(profile, points[index - 1]!, points[index]!)) return index;
  }
  return null;
}

/** End of the hour in which the first certain read after `toMs` lies, once another certain read fixes that hour too. */
function certainHourAfter(profile: MeterProfile, points: readonly MeterPoint[], toMs: number): number | null {
  let endMs: number | null = null;
  for (let index = 1; index < points.length; index++) {
    const before = points[index - 1]!;
    if (before.timeMs <= toMs || !isAnchor(profile, before, points[index]!)) continue;
    if (endMs === null) endMs = floorHour(points[index]!.timeMs) + HOUR_MS;
    else if (before.timeMs >= endMs) return endMs;
  }
  return null;
}

/** Start of the UTC month that holds this hour: a month of the books, nobody's calendar. */
export function monthOf(hourMs: number): number {
  const date = new Date(hourMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function hourRows(derived: Database) {
  const deleteHours = derived.prepare(
    'DELETE FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs < ? RETURNING hourMs',
  );
  const insertHour = derived.prepare(
    'INSERT INTO volumeHour (meter, hourMs, measuredLitres, estimatedLitres, knownMs) VALUES (?, ?, ?, ?, ?)',
  );
  const deleteMonth = derived.prepare('DELETE FROM volumeMonth WHERE meter = ? AND monthMs = ?');
  const sumMonth = derived.prepare(`INSERT INTO volumeMonth (meter, monthMs, measuredLitres, estimatedLitres, knownMs)
    SELECT meter, ?, sum(measuredLitres), sum(estimatedLitres), sum(knownMs) FROM volumeHour
    WHERE meter = ? AND hourMs >= ? AND hourMs < ? GROUP BY meter`);
  return {
    /** Replaces the hours of [fromHourMs, toHourMs) and the sums of the months that they touch. */
    replace(meter: string, fromHourMs: number, toHourMs: number, hours: readonly HourVolume[]): void {
      const gone = deleteHours.all(meter, fromHourMs, toHourMs) as { hourMs: number }[];
      for (const hour of hours) {
        insertHour.run(meter, hour.hourMs, hour.measuredLitres, hour.estimatedLitres, hour.knownMs);
      }
      for (const monthMs of new Set([...gone, ...hours].map(({ hourMs }) => monthOf(hourMs)))) {
        const date = new Date(monthMs);
        deleteMonth.run(meter, monthMs);
        sumMonth.run(monthMs, meter, monthMs, Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1));
      }
    },
  };
}
