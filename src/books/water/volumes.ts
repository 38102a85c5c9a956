/**
 * Keeps the hourly volumes and the list of decisions true to the readings, the meters and the rulings: what changed is
 * marked, and exactly the hours between the last read before it that is certain and the first one after are rebuilt from
 * the store. Runs inside the books follower.
 */

import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { ofRulingId } from '#model/accounting.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { Command } from '#model/entry.ts';
import { isMetered } from '#model/metered.ts';
import type { Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';
import type { ReadingStore } from '#readings/store.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { meterProfile } from '#volume/profile.ts';
import { BEGINNING_OF_TIME_MS, END_OF_TIME_MS, type Rebuilt, rebuiltHours } from './meter-hours.ts';
import { dependents, otherMeter, rulingsOf } from './meter-relations.ts';
import { openVolumeRows } from './rows.ts';

export { END_OF_TIME_MS } from './meter-hours.ts';

/** Marks no further apart than this are rebuilt together: so much unchanged time costs less than another rebuild. */
const MERGED_GAP_MS = 36 * HOUR_MS;

export interface VolumeBooks {
  /** Marks, in the caller's open transaction, that readings of this series in [fromMs, toMs] changed. */
  mark(series: number, fromMs: number, toMs: number): void;
  /** Rebuilds one marked range. @returns whether there is more to do. */
  step(): Promise<boolean>;
  /** Whether a range waits to be rebuilt. */
  isMarked(): boolean;
  /**
   * Rebuilds some hours of a meter from `fromMs` on by the rules of this program.
   * @param also runs in the transaction that writes them: how many hours there are, and where to go on; null = at the end.
   */
  recount(meter: string, fromMs: number, also: (hours: number, restFromMs: number | null) => void): Promise<void>;
}

interface Options {
  derived: Database;
  store: ReadingStore;
  reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>;
  control: Control;
  /** The parameter `register`: knows the units of meters' faces. */
  register: Parameter;
  /** In the open transaction: hours of a meter that are others than before. */
  onChanged?: (meter: string, hoursMs: readonly number[]) => void;
  /** The same for hours that a recount has changed. */
  onRecounted?: (meter: string, hoursMs: readonly number[]) => void;
}

interface Dirty {
  id: number;
  meter: string;
  fromMs: number;
  toMs: number;
}

/** Not split: one closure over the rows and marks, shared by short methods. */
export function createVolumeBooks(options: Options): VolumeBooks {
  const { derived, reader, control, onChanged = () => {}, onRecounted = () => {} } = options;
  const insertMark = derived.prepare('INSERT INTO volumeDirty (meter, fromMs, toMs) VALUES (?, ?, ?)');
  const firstMark = derived.prepare('SELECT meter FROM volumeDirty ORDER BY id LIMIT 1');
  const marksOf = derived.prepare('SELECT id, meter, fromMs, toMs FROM volumeDirty WHERE meter = ? ORDER BY fromMs');
  const deleteMark = derived.prepare('DELETE FROM volumeDirty WHERE id = ?');
  const rows = openVolumeRows(derived);
  control.onChange(({ command }) => {
    for (const { meter, fromMs, toMs } of changedMeters(control, command)) insertMark.run(meter, fromMs, toMs);
  });

  function found(id: string): { meter: Meter; series: number } | null {
    const meter = control.get('meter', id);
    const series = meter && reader.seriesByName(meter.station, meter.parameter);
    return meter && series ? { meter, series: series.id } : null;
  }

  /**
   * In one transaction with what was rebuilt; whoever fills gaps from this meter is marked when it measured otherwise.
   * @param write runs in it with what was rebuilt and the hours that are others than before.
   */
  async function rebuild(
    id: string,
    { meter, series }: { meter: Meter; series: number },
    { fromMs, toMs }: Pick<Taken, 'fromMs' | 'toMs'>,
    write: (rebuilt: Rebuilt, changedMs: readonly number[]) => void,
  ): Promise<void> {
    const other = otherMeter(control, id, meter);
    const rebuilt = await rebuiltHours(
      {
        store: options.store,
        series,
        profile: meterProfile(meter, options.register),
        rulings: rulingsOf(control, id),
        // What is damaged there is rebuilt, and whoever fills gaps from it then again.
        otherHours: (fromMs, toMs) =>
          other === null ? [] : rows.hours(other, fromMs, toMs, (hourMs) => insertMark.run(other, hourMs, hourMs)),
      },
      fromMs,
      toMs,
    );
    const { fromHourMs, toHourMs, hours, decisions } = rebuilt;
    transaction(derived, () => {
      const { changedMs, remeasured } = rows.replaceHours(id, fromHourMs, toHourMs, hours);
      rows.replaceDecisions(id, fromHourMs, toHourMs, decisions);
      write(rebuilt, changedMs);
      if (!remeasured) return;
      for (const name of dependents(control, id)) insertMark.run(name, remeasured.fromMs, remeasured.toMs);
    });
  }

  return {
    mark(seriesId, fromMs, toMs) {
      const series = reader.seriesById(seriesId);
      if (!series || !isMetered(series.parameter)) return;
      for (const { id, body } of control.list('meter')) {
        if (body.station === series.station && body.parameter === series.parameter) insertMark.run(id, fromMs, toMs);
      }
    },
    async step() {
      const first = firstMark.get() as { meter: string } | undefined;
      if (!first) return false;
      const marks = marksOf.all(first.meter) as unknown as Dirty[];
      const known = found(first.meter);
      if (known) {
        const taken = mergeLeading(marks);
        await rebuild(first.meter, known, taken, ({ restFromMs }, changedMs) => {
          onChanged(first.meter, changedMs);
          for (const mark of taken.marks) deleteMark.run(mark.id);
          if (restFromMs !== null) insertMark.run(first.meter, restFromMs, taken.toMs);
        });
        return true;
      }
      transaction(derived, () => {
        onChanged(first.meter, rows.replaceHours(first.meter, BEGINNING_OF_TIME_MS, END_OF_TIME_MS, []).changedMs);
        rows.replaceDecisions(first.meter, BEGINNING_OF_TIME_MS, END_OF_TIME_MS, []);
        for (const { id } of marks) deleteMark.run(id);
      });
      return true;
    },
    isMarked: () => firstMark.get() !== undefined,
    async recount(id, fromMs, also) {
      const known = found(id);
      if (!known) return transaction(derived, () => also(0, null));
      await rebuild(id, known, { fromMs, toMs: END_OF_TIME_MS }, ({ hours, restFromMs }, changedMs) => {
        onRecounted(id, changedMs);
        also(hours.length, restFromMs);
      });
    },
  };
}

/**
 * A meter that is new, changed or gone is rebuilt from its first reading, and with it whoever may take gaps from it; a
 * ruling is about one read.
 */
function changedMeters(control: Control, command: Command): { meter: string; fromMs: number; toMs: number }[] {
  if (command.verb !== 'put' && command.verb !== 'delete') return [];
  if (command.noun === 'ruling') {
    const { meter, timeMs } = ofRulingId(command.id);
    return [{ meter, fromMs: timeMs, toMs: timeMs }];
  }
  if (command.noun !== 'meter') return [];
  const filled = control.list('meter').filter(({ body }) => body.gap === 'sister' || body.gap === 'register');
  const names = new Set([command.id, ...filled.map(({ id }) => id)]);
  return [...names].map((meter) => ({ meter, fromMs: BEGINNING_OF_TIME_MS, toMs: END_OF_TIME_MS }));
}

interface Taken {
  fromMs: number;
  toMs: number;
  marks: Dirty[];
}

/** The first mark with all that follow closely: a backfill's thousand marks are one rebuild. */
function mergeLeading(marks: readonly Dirty[]): Taken {
  const taken: Taken = { fromMs: marks[0]!.fromMs, toMs: marks[0]!.toMs, marks: [] };
  for (const mark of marks) {
    if (mark.fromMs > taken.toMs + MERGED_GAP_MS) break;
    taken.toMs = Math.max(taken.toMs, mark.toMs);
    taken.marks.push(mark);
  }
  return taken;
}
