/** The operators' figures of a year with 100,000 alarms and as many notices, from derived.db as the query worker reads it. */
import { join } from 'node:path';
import { alarmFiguresOf } from '#alerts/looking-back/figures.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { sampleAlarm } from '#alerts/telling/notice.ts';
import { atMost, type Figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import { DAY_MS } from '#model/calendar.ts';
import { openReadOnly, transaction } from '#src/sqlite.ts';

const ALARMS = 100_000;
const YEAR_MS = 365 * DAY_MS;
const T0 = Date.UTC(2026, 0, 1);
const ROUNDS = 7;
const AIM_MS = 1000;

export async function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'derived.db');
    fill(path);
    const derived = openReadOnly(path);
    const query = { fromMs: T0, toMs: T0 + YEAR_MS, stations: null, rule: null };
    if (alarmFiguresOf(derived, query).count !== ALARMS) throw new Error('not every alarm was counted');
    const all = await medianMs(ROUNDS, () => alarmFiguresOf(derived, query));
    const one = await medianMs(ROUNDS, () => alarmFiguresOf(derived, { ...query, stations: ['s7'] }));
    const day = await medianMs(ROUNDS, () => alarmFiguresOf(derived, { ...query, fromMs: query.toMs - DAY_MS }));
    derived.close();
    return [
      atMost(AIM_MS, `figures of a year of ${ALARMS} alarms`, all, 'ms'),
      atMost(AIM_MS, '… of one station among 150', one, 'ms'),
      atMost(AIM_MS, '… of its last day', day, 'ms'),
    ];
  });
}

const NO_HISTORY = { changed: {}, limitVersion: null };

function fill(path: string): void {
  const derived = openDerived(path);
  const store = openAlertStore(derived);
  transaction(derived, () => {
    for (let n = 0; n < ALARMS; n++) {
      const atMs = T0 + Math.floor((n * YEAR_MS) / ALARMS);
      const [rule, station, parameter] = [`r${n % 20}`, `s${n % 150}`, `p${n % 7}`];
      const id = `${n}-${n % 1050}-5d1b2f0c3e`;
      const key = `${rule}/${station}/${parameter}`;
      const clearedAtMs = atMs + 1_800_000;
      store.put({ ...sampleAlarm(atMs), id, key, rule, station, parameter, clearedAtMs }, atMs);
      const happened = { alarm: id, seq: n, atMs: atMs + 240_000, cause: '', actor: null, ...NO_HISTORY } as const;
      store.transition({ ...happened, event: 'raised', from: null, to: 'raised' });
      store.transition({ ...happened, event: 'acknowledged', from: 'raised', to: 'acknowledged', actor: 'wang' });
      store.transition({ ...happened, event: 'cleared', from: 'acknowledged', to: 'cleared' });
      store.notify({ id, cause: id, channel: 'duty', event: 'raised', createdAtMs: atMs, alarms: [id], payload: '{}' });
    }
  });
  derived.close();
}
