/**
 * Assessments: ten thousand samples of the 21 indicators, as fast as the pure function goes; and the month of an area of two
 * hundred sections with its two comparisons, by the query and the assessment alone and through the API of the real service.
 */
import { join } from 'node:path';
import { assessSample } from '#assess/sample.ts';
import { trendTest } from '#assess/trend-test.ts';
import { atMost, type Figure, figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { startService } from '#bench/shared/running-service.ts';
import { openBookState } from '#books/clock.ts';
import type { PeriodQuery } from '#books/questions/queries.ts';
import { openDerived } from '#installation/derived.ts';
import { openJournal } from '#journal/writer.ts';
import { bucketEdges, DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { JournaledReading } from '#model/entry.ts';
import { openQueries } from '#process/create-queries.ts';
import { loadReference } from '#seeds/reference.ts';
import { readConfig } from '#setting/config.ts';
import { systemClock } from '#src/clock.ts';
import { transaction } from '#src/sqlite.ts';

const ZONE = 'Asia/Shanghai';
const SAMPLES = 10_000;
const SECTIONS = 200;
const DAYS = 800;
const SAMPLES_AIM_MS = 100;
const MONTH_AIM_MS = 200;
const TREND_AIM_MS = 20;
const ROUNDS = 11;
const JOURNAL_BYTES = 2 ** 30;

const { parameters, standards } = loadReference();
const standard = standards.get('gb3838-2002')!;
const INDICATORS = standard.items.flatMap(({ parameter, participates }) => (participates ? parameter : []));

export async function run(): Promise<Figure[]> {
  return [await tenThousandSamples(), await thirtyYears(), ...(await inDirectory(month))];
}

/** Values around the Class III limit, so that all classes, breaches and main pollutants occur. */
function nearLimit(parameter: string, round: number): number {
  if (parameter === 'ph') return 6 + ((round * 7) % 33) / 10;
  const limit = Number(standard.items.find((item) => item.parameter === parameter)!.river.III);
  return Number((limit * (0.2 + ((round * 7919) % 101) / 60)).toPrecision(4));
}

async function tenThousandSamples(): Promise<Figure> {
  const samples = Array.from({ length: SAMPLES }, (_, round) => ({
    waterBody: 'river' as const,
    target: 'II' as const,
    rounding: 'evaluation' as const,
    values: new Map(INDICATORS.map((parameter, place) => [parameter, nearLimit(parameter, round + place)])),
  }));
  const elapsed = await medianMs(ROUNDS, () => {
    let breaches = 0;
    for (const sample of samples) breaches += assessSample(standard, parameters, sample).breaches.length;
    if (breaches === 0) throw new Error('nothing was assessed');
  });
  return atMost(SAMPLES_AIM_MS, `${SAMPLES} samples of ${INDICATORS.length} indicators`, elapsed, 'ms');
}

/** Thirty years of monthly values with a season, a slow fall, ties and gaps, by Hirsch and Slack's test. */
async function thirtyYears(): Promise<Figure> {
  const values = Array.from({ length: 360 }, (_, month) => {
    const value = 0.4 - month / 4000 + Math.sin((month * Math.PI) / 6) / 10 + ((month * 7919) % 13) / 200;
    return month % 29 === 0 ? null : { value: Number(value.toFixed(2)), censored: null };
  });
  const options = { method: 'seasonal-kendall', period: 12, alpha: 0.05, serial: true } as const;
  const elapsed = await medianMs(ROUNDS, () => {
    if (trendTest(values, options).trend !== 'decreasing') throw new Error('the fall was not found');
  });
  return atMost(TREND_AIM_MS, 'seasonal Kendall of 30 years of months', elapsed, 'ms');
}

/** The newest month that is over. */
function lastMonth(): { text: string; edgesMs: number[] } {
  const today = Temporal.Instant.fromEpochMilliseconds(systemClock.nowMs()).toZonedDateTimeISO(ZONE).toPlainDate();
  const next = today.with({ day: 1 });
  const first = next.subtract({ months: 1 });
  const fromMs = (date: Temporal.PlainDate) => date.toZonedDateTime(ZONE).epochMilliseconds;
  return { text: first.toString().slice(0, 7), edgesMs: [fromMs(first), fromMs(next)] };
}

async function month(dataDir: string): Promise<Figure[]> {
  const series = await fillJournal(dataDir);
  fillDays(dataDir, series.length);
  const { text, edgesMs } = lastMonth();
  const path = `/assessments?area=bench&period=${text}`;
  const service = await startService({ dataDir });
  try {
    const queries = openQueries(readConfig({ WK_DATA_DIR: dataDir, WK_SEEDS: 'none' }).config).queries;
    const nowMs = systemClock.nowMs();
    const spans = [0, 1, 12].map((months) => ({ ...monthBefore(edgesMs, months), meansOnly: months > 0 }));
    const query: PeriodQuery = { series, spans, timeZone: ZONE, asOfMs: null, nowMs };
    const queryMs = await medianMs(ROUNDS, () => queries.periods(query));
    const oneMs = await medianMs(ROUNDS, () => queries.periods({ ...query, spans: spans.slice(0, 1) }));
    const { status, body } = await service.call<{ proportions?: { assessed: number } }>('GET', path);
    if (body.proportions?.assessed !== SECTIONS) throw new Error(`GET ${path} gave ${status}: ${JSON.stringify(body)}`);
    const apiMs = await medianMs(ROUNDS, () => service.call('GET', path));
    const name = `a month of ${SECTIONS} sections of ${INDICATORS.length} indicators`;
    return [
      figure(`${name}, the books of the month alone, p50`, oneMs, 'ms'),
      figure(`${name}, with both comparisons, the books alone, p50`, queryMs, 'ms'),
      atMost(MONTH_AIM_MS, `${name}, with both comparisons, through the API, p50`, apiMs, 'ms'),
    ];
  } finally {
    await service.end();
  }
}

function monthBefore(edgesMs: readonly number[], months: number): { startMs: number; endMs: number } {
  const [startMs, endMs] = edgesMs.map(
    (ms) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(ZONE).subtract({ months }).epochMilliseconds,
  );
  return { startMs: startMs!, endMs: endMs! };
}

/** Stations, and one message of each, which gives their series ids. */
async function fillJournal(dataDir: string): Promise<PeriodQuery['series']> {
  const path = join(dataDir, 'journal.db');
  const journal = openJournal({ path, clock: systemClock, maxBytes: JOURNAL_BYTES, ackMaxDelayMs: 20 });
  const found: PeriodQuery['series'] = [];
  const timeMs = systemClock.nowMs() - HOUR_MS;
  for (let index = 0; index < SECTIONS; index++) {
    const id = `s${index}`;
    await journal.appendCommand('bench', { verb: 'put', noun: 'station', id, body: station() });
    const readings = INDICATORS.map((parameter): JournaledReading => {
      const { series } = journal.seriesFor(id, parameter);
      found.push({ id: series.id, mean: parameters.get(parameter)!.mean });
      return { series: series.id, timeMs, value: 1, flag: 1, deviceFlag: null, verdict: 'new' };
    });
    const raw = new Uint8Array(0);
    const draft = { source: 'bench', gatewaySeq: null, readings, raw, quarantine: [], received: readings.length };
    await journal.appendMessage(draft);
  }
  await journal.close();
  return found;
}

function station() {
  return {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section' as const,
    waterBody: 'river' as const,
    target: 'II' as const,
    area: 'bench',
    parameters: INDICATORS.map((id) => ({ id, interval: 'PT4H' })),
  };
}

/** Day books of more than two years of six readings a day. */
function fillDays(dataDir: string, count: number): void {
  const derived = openDerived(join(dataDir, 'derived.db'));
  const untilMs = bucketEdges(systemClock.nowMs() - DAY_MS, systemClock.nowMs(), 'day', ZONE, 3)[1]!;
  const insert = derived.prepare(
    'INSERT INTO dayStat (series, dayMs, count, valid, sum, min, max) VALUES (?, ?, 6, 6, ?, ?, ?)',
  );
  transaction(derived, () => {
    for (let series = 1; series <= count; series++) {
      const parameter = INDICATORS[(series - 1) % INDICATORS.length]!;
      for (let day = DAYS; day > 0; day--) {
        const value = nearLimit(parameter, series + day);
        insert.run(series, untilMs - day * DAY_MS, 6 * (parameter === 'ph' ? 10 ** -value : value), value, value);
      }
    }
    openBookState(derived).saveDayZone(ZONE);
  });
  derived.close();
}
