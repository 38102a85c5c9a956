/**
 * Any interleaving of new readings, duplicates, corrections, old values, engineers' changes, batches, crashes and
 * restarts gives what a plain model gives that knows nothing of batches: the same contents, counts, versions, and
 * at every earlier time the contents of that time.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorHour } from '#model/calendar.ts';
import type { Correction, Entry, JournaledReading, Verdict } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openPins } from '#readings/pins.ts';
import { openSeriesState } from '#readings/series-state.ts';
import { FAULTS, type Fault, MINUTE, readingsRig, T } from '#tests/helpers/readings/rig.ts';

const SERIES = [1, 2];
const MINUTES = 8;

/** What somebody sends or does; verdicts come from the model, as the door would give or leave them. */
type Deed =
  | {
      kind: 'send';
      source: string;
      values: { series: number; minute: number; value: number | null; flag: Flag; doubt: boolean }[];
    }
  | {
      kind: 'correct';
      series: number;
      from: number;
      to: number;
      action: 'set' | 'delete' | 'flag';
      value: number;
      flag: Flag | null;
    }
  | { kind: 'tick' };

const sent = fc.record({
  series: fc.constantFrom(...SERIES),
  // Hours apart, so that each is an hour of its own.
  minute: fc.integer({ min: 0, max: MINUTES - 1 }).map((n) => n * 40),
  value: fc.constantFrom(null, 1, 2, 3, 0.1),
  flag: fc.constantFrom<Flag>(1, 2, 3, 4),
  doubt: fc.boolean(),
});
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      source: fc.constantFrom('gw-1', 'gw-2'),
      values: fc.array(sent, { maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('correct' as const),
      series: fc.constantFrom(...SERIES),
      from: fc.integer({ min: 0, max: 300 }),
      to: fc.integer({ min: 0, max: 300 }),
      action: fc.constantFrom('set' as const, 'delete' as const, 'flag' as const),
      value: fc.constantFrom(1, 2, 7),
      flag: fc.constantFrom<Flag | null>(null, 1, 3, 4),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'tick' as const }) },
);

interface Cell {
  series: number;
  now: Reading;
  /** Values that engineers took out since a gateway last wrote. */
  replaced: (number | null)[];
  versions: number;
  pin: Flag | null;
}

/** The plain model: one map, changed entry by entry. */
class Model {
  readonly cells = new Map<string, Cell>();
  readonly counts = new Map<string, { stored: number; duplicate: number }>();
  readonly touchedHours = new Set<string>();

  send(source: string, series: number, reading: Reading): Verdict {
    const count = this.counts.get(source) ?? { stored: 0, duplicate: 0 };
    this.counts.set(source, count);
    const cell = this.cells.get(`${series}@${reading.timeMs}`);
    if (cell && (cell.now.value === reading.value || cell.replaced.includes(reading.value))) {
      count.duplicate++;
      return 'duplicate';
    }
    count.stored++;
    this.#put(series, reading, { replaced: [], versions: (cell?.versions ?? -1) + 1, pin: null });
    return cell ? 'correction' : 'new';
  }

  correct(series: number, { fromMs, toMs, action, value, flag }: Correction): void {
    for (const cell of this.cells.values()) {
      const { timeMs } = cell.now;
      if (cell.series !== series || timeMs < fromMs || timeMs >= toMs) continue;
      const { now } = cell;
      let next: Reading = now;
      let { pin } = cell;
      if (action === 'delete' && now.value !== null) {
        next = { timeMs, value: null, flag: 9, deviceFlag: null };
        pin = null;
      } else if (action === 'set') {
        const changes = value !== now.value || (flag !== undefined && flag !== now.flag);
        if (changes) next = { timeMs, value: value!, flag: flag ?? 2, deviceFlag: null };
        if (value !== now.value) pin = null;
        if (flag !== undefined) pin = flag;
      } else if (action === 'flag' && now.value !== null) {
        if (now.flag !== flag) next = { ...now, flag: flag! };
        pin = flag!;
      }
      cell.pin = pin;
      if (next === now) continue;
      this.#put(series, next, { replaced: [...cell.replaced, now.value], versions: cell.versions + 1, pin });
    }
  }

  #put(series: number, now: Reading, rest: Omit<Cell, 'series' | 'now'>): void {
    this.cells.set(`${series}@${now.timeMs}`, { series, now, ...rest });
    this.touchedHours.add(`${series}@${floorHour(now.timeMs)}`);
  }

  of(series: number): Reading[] {
    const mine = [...this.cells.values()].filter((cell) => cell.series === series);
    return mine.map(({ now }) => now).sort((a, b) => a.timeMs - b.timeMs);
  }
}

/** Journals the deeds as the door would, and remembers what was known after each entry. */
function journal(deeds: readonly Deed[], steps: readonly number[]) {
  const model = new Model();
  const entries: Entry[] = [];
  const known = new Map<number, Map<number, Reading[]>>();
  let receivedMs = T;
  for (const [index, one] of deeds.entries()) {
    const seq = index + 1;
    receivedMs += steps[index % steps.length]!;
    if (one.kind === 'tick') entries.push({ kind: 'tick', seq, receivedMs });
    if (one.kind === 'send') {
      const readings = one.values.map(({ series, minute, value, flag, doubt }): JournaledReading => {
        const reading: Reading = {
          timeMs: T + minute * MINUTE,
          value,
          flag: value === null ? 9 : flag,
          deviceFlag: null,
        };
        const verdict = model.send(one.source, series, reading);
        return { series, ...reading, verdict: doubt ? 'unsettled' : verdict };
      });
      entries.push({ kind: 'message', seq, receivedMs, source: one.source, gatewaySeq: null, readings });
    }
    if (one.kind === 'correct') {
      const { action, value, series } = one;
      const flag = one.flag ?? (action === 'flag' ? 3 : undefined);
      const range = { fromMs: T + one.from * MINUTE, toMs: T + one.to * MINUTE };
      const station = { station: 'taocha', parameter: `s${series}`, reason: 'r' };
      const command: Correction = { verb: 'correct', ...station, ...range, action, value, flag };
      model.correct(series, command);
      entries.push({ kind: 'command', seq, receivedMs, actor: 'li', command });
    }
    known.set(receivedMs, new Map(SERIES.map((series) => [series, model.of(series)])));
  }
  return { model, entries, known };
}

interface Step {
  size: number;
  fault: Fault | null;
  restart: boolean;
}

const plan: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 12 }),
    fault: fc.option(fc.constantFrom(...FAULTS), { freq: 2 }),
    restart: fc.boolean(),
  }),
  { minLength: 1, maxLength: 10 },
);

/** Applies everything in the batches of the plan, dying and starting again where it says. */
async function drive(rig: ReturnType<typeof readingsRig>, entries: readonly Entry[], steps: readonly Step[]) {
  for (let step = 0; rig.follower().cursor() < entries.length; step++) {
    const { size, fault, restart } = steps[step % steps.length]!;
    const cursor = rig.follower().cursor();
    const batch = entries.slice(cursor, cursor + size);
    // Each step of the plan fails once, or a fault in every step would never come to an end.
    if (fault && step < steps.length) await rig.applyFailing(batch, fault);
    else await rig.apply(batch);
    if (restart) rig.restart();
  }
}

describe('the follower "readings" against a plain model', () => {
  it('agrees whatever is sent, however it is batched, wherever it dies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { minLength: 1, maxLength: 25 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 }),
        plan,
        async (deeds, clockSteps, steps) => {
          const { model, entries, known } = journal(deeds, clockSteps);
          const rig = readingsRig();
          try {
            await drive(rig, entries, steps);
            await expectSame(rig, model);
            for (const [asOfMs, then] of known) {
              for (const series of SERIES) {
                const rows = await rig.asOf(series, asOfMs);
                expect(rows.map(({ provisional, ...reading }) => reading)).toEqual(then.get(series));
              }
            }
            expect(await rig.asOf(1, T - 1)).toEqual([]);
          } finally {
            await rig.close();
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

async function expectSame(rig: ReturnType<typeof readingsRig>, model: Model): Promise<void> {
  const pins = openPins(rig.derived);
  for (const series of SERIES) {
    const expected = model.of(series);
    expect(await rig.all(series)).toEqual(expected);
    expect(openSeriesState(rig.derived).of(series)).toEqual(expected.at(-1));
    const pinned = [...model.cells.values()].filter((cell) => cell.series === series && cell.pin !== null);
    expect(pins.flags(series, 0, Number.MAX_SAFE_INTEGER)).toEqual(
      new Map(pinned.map(({ now, pin }) => [now.timeMs, pin])),
    );
  }
  for (const [source, count] of model.counts) expect(await rig.queries.settledCounts({ source })).toEqual(count);
  for (const { series, now, versions } of model.cells.values()) {
    const history = await rig.queries.history({ series, timeMs: now.timeMs });
    expect(history.length).toBe(versions + 1);
    expect(history[0]).toMatchObject({ value: now.value, flag: now.flag, by: null });
  }
  const due = openDirtyHours(rig.derived).due(rig.follower().cursor(), Number.MAX_SAFE_INTEGER, 1000);
  expect(new Set(due.map(({ series, hourMs }) => `${series}@${hourMs}`))).toEqual(model.touchedHours);
}
