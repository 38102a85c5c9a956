/**
 * Volumes as somebody saw them who asked at an earlier time: computed from the readings, meters and rulings that were
 * known then, by the very functions that keep the books. It is how a closed period is proved.
 */

import type { BookQueries, MeterVolumesAsOf, VolumesAsOf } from '#books/questions/queries.ts';
import { bucketsOf, runningTotals } from '#books/questions/volumes.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import type { Noun } from '#model/noun.ts';
import type { ReadingQueries } from '#readings/queries.ts';
import type { ReadingStore } from '#readings/store.ts';
import type { Database } from '#src/sqlite.ts';
import type { Decision } from '#volume/decisions.ts';
import type { HourVolume } from '#volume/model.ts';
import { meterProfile } from '#volume/profile.ts';
import { rebuiltHours } from './meter-hours.ts';
import { otherMeter, rulingsOf } from './meter-relations.ts';

interface Parts {
  journal: Database;
  reader: Pick<OpenJournalReader, 'control' | 'seriesByName'>;
  store: Pick<ReadingStore, 'before'>;
  readings: ReadingQueries['readings'];
}

type Range = { fromMs: number; toMs: number } & Pick<VolumesAsOf, 'asOfMs' | 'register' | 'todaysFlags'>;

interface Known {
  hours: Map<number, HourVolume>;
  decisions: Decision[];
}

const PIECE_CHARACTERS = 1 << 16;

/** What volumes, plans, closings and reports are accounted by. */
const ACCOUNTS: readonly Noun[] = ['station', 'meter', 'ruling', 'plan', 'period', 'report', 'statement'];

export function createVolumesAsOf({
  journal,
  reader,
  store,
  readings,
}: Parts): Pick<BookQueries, 'volumesAsOf' | 'accountsAsOf'> {
  const lastChange = journal.prepare('SELECT coalesce(max(seq), 0) AS seq FROM control WHERE atMs <= ?');
  const versionsAsOf = (asOfMs: number) => reader.control((lastChange.get(asOfMs) as { seq: number }).seq);

  async function knownOf(control: Control, id: string, range: Range): Promise<Known> {
    const { register } = range;
    const hours = new Map<number, HourVolume>();
    const decisions: Decision[] = [];
    const meter = control.get('meter', id);
    const series = meter && reader.seriesByName(meter.station, meter.parameter);
    if (!meter || !series) return { hours, decisions };
    const other = otherMeter(control, id, meter);
    const parts = {
      store: storeAsOf(store, readings, range),
      series: series.id,
      profile: meterProfile(meter, register),
      rulings: rulingsOf(control, id),
      async otherHours(fromMs: number, toMs: number) {
        if (other === null) return [];
        const found = await knownOf(withoutGaps(control, other), other, { ...range, fromMs, toMs });
        return [...found.hours.values()].filter(({ hourMs }) => hourMs >= fromMs && hourMs < toMs);
      },
    };
    for (let fromMs: number | null = range.fromMs; fromMs !== null; ) {
      const rebuilt = await rebuiltHours(parts, fromMs, range.toMs);
      for (const hour of rebuilt.hours) hours.set(hour.hourMs, hour);
      const { fromHourMs, toHourMs } = rebuilt;
      decisions.push(...rebuilt.decisions.filter(({ timeMs }) => timeMs > fromHourMs && timeMs < toHourMs));
      fromMs = rebuilt.restFromMs;
    }
    return { hours, decisions };
  }

  async function volumesAsOf({ meters, edgesMs, ...then }: VolumesAsOf): Promise<MeterVolumesAsOf[]> {
    const control = new Control(versionsAsOf(then.asOfMs));
    const range = { fromMs: edgesMs[0]!, toMs: edgesMs.at(-1)!, ...then };
    const answers: MeterVolumesAsOf[] = [];
    for (const id of meters) {
      const meter = control.get('meter', id);
      if (!meter) continue;
      const known = await knownOf(control, id, range);
      const hours = [...known.hours.values()].sort((a, b) => a.hourMs - b.hourMs);
      const running = runningTotals({ measuredLitres: 0, estimatedLitres: 0, knownMs: 0 }, edgesMs);
      for (const hour of hours) running.add(hour);
      answers.push({
        meter: id,
        buckets: bucketsOf(meter, edgesMs, running.end()),
        decisions: known.decisions
          .filter(({ timeMs }) => timeMs >= range.fromMs && timeMs < range.toMs)
          .sort((a, b) => a.timeMs - b.timeMs),
      });
    }
    return answers;
  }

  return {
    volumesAsOf,
    accountsAsOf: async ({ asOfMs }) => inPieces(versionsAsOf(asOfMs).filter(({ noun }) => ACCOUNTS.includes(noun))),
  };
}

/** As JSON lists, so that whoever asks reads them one at a time: of thousands of stations a copy takes too long. */
function inPieces(versions: readonly ControlVersion[]): string[] {
  const pieces: string[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const version of versions) {
    const text = JSON.stringify(version);
    if (characters > PIECE_CHARACTERS) {
      pieces.push([]);
      characters = 0;
    }
    pieces.at(-1)!.push(text);
    characters += text.length;
  }
  return pieces.map((texts) => `[${texts.join(',')}]`);
}

/** What fills another's gaps is only what it measured, so its own gaps needn't be filled (and can't go in circles). */
function withoutGaps(control: Control, id: string): Control {
  const meter = control.get('meter', id);
  if (meter?.gap === undefined) return control;
  const version = control.version('meter', id)!;
  const others = control.list('ruling').map(({ id: ruling }) => control.version('ruling', ruling)!);
  return new Control([...others, { ...version, body: { ...meter, gap: 'unknown' } }]);
}

/** The reading store as it was then, as far as a rebuild asks. */
function storeAsOf(
  store: Pick<ReadingStore, 'before'>,
  readings: ReadingQueries['readings'],
  { asOfMs, todaysFlags }: Pick<VolumesAsOf, 'asOfMs' | 'todaysFlags'>,
): Pick<ReadingStore, 'read' | 'before'> {
  const then = { asOfMs, ...(todaysFlags ? { todaysFlags } : {}) };
  return {
    read: (series, fromMs, toMs, limit) => readings({ series, fromMs, toMs, limit, ...then }),
    async before(series, timeMs, count) {
      let known: Awaited<ReturnType<ReadingQueries['readings']>> = [];
      for (let untilMs = timeMs; known.length < count; ) {
        const page = await store.before(series, untilMs, count);
        const first = page[0];
        if (!first) break;
        const range = { fromMs: first.timeMs, toMs: untilMs };
        known = [...(await readings({ series, ...range, limit: count, ...then })), ...known];
        untilMs = first.timeMs;
        if (page.length < count) break;
      }
      return known.slice(-count);
    },
  };
}
