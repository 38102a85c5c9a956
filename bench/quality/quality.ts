/**
 * What quality control costs a reading, and what it is worth: our flags (3 and 4) against the labels that technicians
 * gave real sondes. Nothing was fitted to those labels, and most of them no such test can find: docs/quality.md says
 * which, and what the figures mean.
 */

import { atMost, type Figure, figure, median, stopwatch } from '#bench/shared/figure.ts';
import { Ring } from '#ingest/ring.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { Flag } from '#model/flag.ts';
import type { Parameter } from '#model/reference.ts';
import { station } from '#model/register.ts';
import { finalFlags, NO_TESTS } from '#quality/final.ts';
import { effectiveThresholds, type Thresholds } from '#quality/thresholds.ts';
import { loadReference } from '#seeds/reference.ts';
import { type LabelledSeries, labelledSeries } from './labelled-sonde.ts';

/** Files that rules were made on, and two station-years that were first read when the rules stood (docs/quality.md). */
const SEEN = ['FranklinBasin2014', 'MainStreet2019'];
const HELD_OUT = ['BlackSmithFork2015', 'TonyGrove2014'];

const STEP_MS = 900_000;
const READINGS = 200_000;
const ROUNDS = 5;

export async function run(): Promise<Figure[]> {
  const parameters = loadReference().parameters;
  const worth = await cost(thresholdsOf(parameters.get('temp')!));
  const series = labelledSeries();
  if (series === null) {
    console.error(
      'No labelled sondes: precision and recall need the files of the Logan River Observatory (WK_LRO_DIR).',
    );
    return worth;
  }
  const judged = series.map((each) => judge(each, thresholdsOf(parameters.get(each.parameter)!)));
  for (const [group, ofGroup] of Map.groupBy(judged, groupOf)) {
    for (const [parameter, ofIt] of Map.groupBy(ofGroup, (each) => each.parameter)) {
      const name = `${group}: ${parameter}`;
      worth.push(...agreement(name, ofIt, 'provisional'), ...agreement(name, ofIt, 'final'));
      worth.push(...usefulness(name, ofIt));
    }
  }
  for (const file of HELD_OUT.filter((name) => !series.some((each) => each.file === name))) {
    console.error(`Held-out figures need ${file}.csv (LRO_data of AmberSJones/pyhydroqc) in WK_LRO_DIR.`);
  }
  for (const each of judged) worth.push(...agreement(`${each.parameter} at ${each.file}`, [each], 'final'));
  return worth;
}

function groupOf({ file }: LabelledSeries): string {
  return HELD_OUT.includes(file) ? 'held out' : SEEN.includes(file) ? 'seen' : 'other';
}

function thresholdsOf(parameter: Parameter): Thresholds {
  const name = { zh: '断面', en: 'Section' };
  const listed = [{ id: parameter.id, interval: 'PT15M' }];
  const body = station.parse({ name, kind: 'river-section', waterBody: 'river', parameters: listed });
  return effectiveThresholds(parameter, body);
}

/** With the defaults of a sonde's temperature, which ask for most, and with every test that can be asked for. */
async function cost(defaults: Thresholds): Promise<Figure[]> {
  const every: Thresholds = {
    ...defaults,
    ratePerHour: [20, 40],
    climatology: [
      { months: [11, 4], suspect: [-0.5, 20], fail: [-1, 30] },
      { months: [5, 10], suspect: [5, 35], fail: [0, 40] },
    ],
    attenuated: { periodMs: 24 * HOUR_MS, valuesMin: 48, suspect: 0.05, fail: 0.01 },
  };
  const values = Array.from({ length: READINGS }, (_, i) => 12 + 8 * Math.sin(i / 4000) + ((i * 7919) % 101) / 200);
  const none = await atTheDoor(values, NO_TESTS);
  const figures = [figure('the door’s memory without tests', none, 'ns/reading')];
  const window = values.map((value, i) => ({ timeMs: i * STEP_MS, value, deviceFlag: null }));
  for (const [name, by] of [['defaults', defaults] as const, ['every test', every] as const]) {
    const provisional = (await atTheDoor(values, by)) - none;
    const final = await nsEach(READINGS, () => finalFlags(window, by));
    figures.push(atMost(1000, `provisional flag, ${name}`, provisional, 'ns/reading'));
    figures.push(atMost(1000, `final flag, ${name}`, final, 'ns/reading'));
  }
  return figures;
}

function atTheDoor(values: readonly number[], by: Thresholds): Promise<number> {
  return nsEach(values.length, () => {
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    for (const [i, value] of values.entries()) ring.take(1, i * STEP_MS, { value, deviceFlag: null }, by, null);
  });
}

async function nsEach(count: number, work: () => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const timer = stopwatch();
    await timer.time(work);
    rounds.push((timer.elapsedMs() * 1e6) / count);
  }
  return median(rounds);
}

interface Judged extends LabelledSeries {
  provisional: Flag[];
  final: Flag[];
}

/** The flags that the door gives to readings in order, and those of a window that holds them all. */
function judge(series: LabelledSeries, by: Thresholds): Judged {
  const { timesMs, values } = series;
  const ring = new Ring(Number.NEGATIVE_INFINITY);
  const provisional = values.map((value, i) => ring.take(1, timesMs[i]!, { value, deviceFlag: null }, by, null).flag);
  const window = values.map((value, i) => ({ timeMs: timesMs[i]!, value, deviceFlag: null }));
  return { ...series, provisional, final: finalFlags(window, by) };
}

const isBad = (flag: Flag) => flag === 3 || flag === 4;

/** Precision: of what we flag, how much the technician remarked upon. Recall: of what was remarked upon, how much we flag. */
function agreement(name: string, judged: readonly Judged[], kind: 'provisional' | 'final'): Figure[] {
  let labelled = 0;
  let flagged = 0;
  let both = 0;
  for (const each of judged) {
    for (const [i, value] of each.values.entries()) {
      // Missing is 9, and nobody's merit.
      if (value === null) continue;
      if (each.remarks[i] !== null) labelled++;
      if (isBad(each[kind][i]!)) flagged++;
      if (each.remarks[i] !== null && isBad(each[kind][i]!)) both++;
    }
  }
  const share = (of: number, what: string) =>
    of === 0 ? [] : [figure(`${name}, ${kind}: ${what} (${both} of ${of})`, both / of, 'share')];
  return [...share(flagged, 'precision'), ...share(labelled, 'recall')];
}

/** What an operator has of it: the values that had to go, and how often a sound sensor is suspected. */
function usefulness(parameter: string, judged: readonly Judged[]): Figure[] {
  let removed = 0;
  let found = 0;
  let falseStretches = 0;
  let days = 0;
  for (const { timesMs, remarks, final } of judged) {
    const isFalse = (i: number) => i >= 0 && isBad(final[i]!) && remarks[i] === null;
    for (const [i, flag] of final.entries()) {
      if (remarks[i] === 'removed' && flag !== 9) removed++;
      if (remarks[i] === 'removed' && isBad(flag)) found++;
      if (isFalse(i) && !isFalse(i - 1)) falseStretches++;
    }
    days += (timesMs.at(-1)! - timesMs[0]!) / (24 * HOUR_MS);
  }
  return [
    ...(removed > 0
      ? [figure(`${parameter}, final: recall of values taken out (${found} of ${removed})`, found / removed, 'share')]
      : []),
    figure(`${parameter}, final: stretches flagged without a label`, (falseStretches * 30) / days, 'per 30 days'),
  ];
}
