/**
 * All followers over a journal and a reading store in memory: rules about closed periods end to end. `restart` throws the
 * followers away and makes new ones from derived.db, as after a crash.
 */
import type { AlarmChange } from '#alerts/life/alarm-log.ts';
import { alarms } from '#alerts/records/answers.ts';
import { openDerived } from '#installation/derived.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import { Control } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Series } from '#model/reading.ts';
import { channel, meter, rule, station } from '#model/register.ts';
import { createEntryWindow } from '#process/entry-window.ts';
import { type Followers, wireFollowers } from '#process/wire-followers.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { readerOf } from '#src/rule-tests/play.ts';
import type { Database } from '#src/sqlite.ts';
import { HOUR, reference, standard, T0 } from './rig.ts';

export const DAY = 24 * HOUR;
/** Midnight in Shanghai before T0. */
export const MIDNIGHT = T0 - 8 * HOUR;
export const LATENESS = 2 * HOUR;

export interface PeriodReading {
  station?: string;
  parameter?: string;
  timeMs: number;
  value: number | null;
  flag?: Flag;
}

export interface PeriodRigOptions {
  derived?: Database;
  timeZone?: string;
}

/** How many entries each follower is given in one go. */
export interface Batches {
  readings: number;
  books: number;
  alerts: number;
}

export function createPeriodRig({
  derived = openDerived(':memory:'),
  timeZone = 'Asia/Shanghai',
}: PeriodRigOptions = {}) {
  const entries: Entry[] = [];
  const series: Series[] = [];
  const store = new MemoryReadings();
  const changes: AlarmChange[] = [];
  const logged: { event: string }[] = [];
  let nowMs = MIDNIGHT;
  let followers: Followers | null = null;
  const log = {
    info: (fields: object) => void logged.push(fields as { event: string }),
    warn: (fields: object) => void logged.push(fields as { event: string }),
  };

  const reader = {
    ...readerOf(entries, series),
    seriesOfStation: (id: string) => series.filter((one) => one.station === id),
    control(asOfSeq: number) {
      const control = new Control([]);
      const nouns = new Map<string, { noun: string; id: string }>();
      for (const entry of entries.slice(0, asOfSeq)) {
        control.apply(entry);
        if (entry.kind === 'command' && 'noun' in entry.command)
          nouns.set(`${entry.command.noun} ${entry.command.id}`, entry.command);
      }
      return [...nouns.values()].map(({ noun, id }) => control.version(noun as 'station', id)!);
    },
  } as unknown as OpenJournalReader;

  function start(): Followers {
    followers ??= wireFollowers({
      derived,
      store,
      reader,
      reference,
      standard,
      allowedLatenessMs: LATENESS,
      timeZone,
      publicUrl: null,
      clock: { monotonicMs: () => nowMs },
      log,
      entries: createEntryWindow((after, limit) => reader.read(after, limit), 2000),
      onReflagged: () => {},
      onRejudged: () => {},
      onRejected: () => {},
      onAlarms: (some) => void changes.push(...some),
    });
    return followers;
  }

  const append = (content: object) =>
    void entries.push({ ...content, seq: entries.length + 1, receivedMs: nowMs } as unknown as Entry);

  function seriesOf(name: string, parameter: string): number {
    const known = reader.seriesByName(name, parameter);
    if (known) return known.id;
    series.push({ id: series.length + 1, station: name, parameter });
    return series.length;
  }

  const rig = {
    derived,
    entries,
    changes,
    logged,
    store,
    nowMs: () => nowMs,
    followers: start,
    at(timeMs: number) {
      nowMs = Math.max(nowMs, timeMs);
      return rig;
    },
    message(readings: readonly PeriodReading[], source = 'gw') {
      append({
        kind: 'message',
        source,
        gatewaySeq: null,
        readings: readings.map(({ station: name = 'weir', parameter = 'nh3n', timeMs, value, flag }) => ({
          series: seriesOf(name, parameter),
          timeMs,
          value,
          flag: flag ?? (value === null ? 9 : 1),
          deviceFlag: null,
          verdict: 'unsettled',
        })),
      });
      return rig;
    },
    import: (readings: readonly PeriodReading[]) => rig.message(readings, 'import:wang'),
    tick() {
      append({ kind: 'tick' });
      return rig;
    },
    command(command: Command, actor = 'wang') {
      append({ kind: 'command', actor, command });
      return rig;
    },
    put: (noun: 'station' | 'meter' | 'rule' | 'channel' | 'routes', id: string, body: object) =>
      rig.command({ verb: 'put', noun, id, body: bodyOf(noun, body) }),
    remove: (noun: 'station' | 'meter' | 'rule', id: string) => rig.command({ verb: 'delete', noun, id }),
    /** Works everything off. `batches` and `turns` of the followers may be as odd as in life. */
    async settle(batches: Batches = { readings: 1000, books: 1000, alerts: 1000 }) {
      const { readings, books, alerts, readForBooks, takeRejudged, judgePeriods } = start();
      for (let isMore = true; isMore; ) {
        isMore = false;
        const step = async (follower: typeof books, some: Entry[]) => {
          if (some.length === 0) return;
          await follower.apply(some);
          isMore = true;
        };
        await step(readings, reader.read(readings.cursor(), batches.readings));
        await step(books, readForBooks(books.cursor(), batches.books));
        await step(alerts, reader.read(alerts.cursor(), batches.alerts));
        if (takeRejudged()) isMore = true;
        if (await judgePeriods()) isMore = true;
      }
      return rig;
    },
    /** Lets time pass to `timeMs` with the ticks that the service would append, and works everything off. */
    async pass(timeMs: number) {
      await rig.settle();
      for (;;) {
        const dueMs = start().nextTimerMs();
        if (dueMs === null || dueMs >= timeMs) break;
        await rig.at(Math.max(dueMs, nowMs)).tick().settle();
      }
      return rig.at(timeMs).tick().settle();
    },
    /** Counts what an older program has counted anew, whole, with everything that follows. */
    async recount() {
      while (await start().recount.step());
      return rig.settle();
    },
    restart() {
      followers = null;
      return rig;
    },
    alarms(): Alarm[] {
      const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
      return alarms(derived, { ...all, limit: 1000, after: null }).reverse();
    },
    /** `event key` of each notice, in order. */
    told: () =>
      derived
        .prepare('SELECT event, payload FROM notice ORDER BY position')
        .all()
        .map(({ event, payload }) => `${event} ${(JSON.parse(payload as string) as { alarm: Alarm }).alarm.key}`),
    waiting: () => (derived.prepare('SELECT count(*) AS n FROM changedBook').get() as { n: number }).n,
  };
  return rig
    .put('channel', 'hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .put('routes', 'routes', [{ match: {}, channels: ['hook'] }]);
}
export type PeriodRig = ReturnType<typeof createPeriodRig>;

function bodyOf(noun: string, body: object): object {
  switch (noun) {
    case 'station':
      return station.parse({
        name: { zh: '站', en: 'Station' },
        kind: 'river-section',
        waterBody: 'river',
        target: 'II',
        parameters: [{ id: 'nh3n', interval: 'PT1H' }],
        ...body,
      });
    case 'meter':
      return meter.parse({
        parameter: 'register',
        kind: 'register',
        unit: 'm3',
        maxFlow: 500,
        measures: 'intake',
        ...body,
      });
    case 'rule':
      return rule.parse({ severity: 'major', ...body });
    case 'channel':
      return channel.parse(body);
    default:
      return body;
  }
}

/** A day of hourly readings of one parameter. */
export function hourly(startMs: number, value: number, options: Partial<PeriodReading> & { hours?: number } = {}) {
  const { hours = 24, ...rest } = options;
  return Array.from({ length: hours }, (_, hour): PeriodReading => ({ timeMs: startMs + hour * HOUR, value, ...rest }));
}
