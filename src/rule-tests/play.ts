/**
 * The alerts follower on a journal in memory: register entries, then readings in the order of their arrival, and what
 * became of them. The same evaluation as in the service, with no file, clock or channel.
 */
import type { AlarmChange } from '#alerts/alarm-log.ts';
import { createAlertsFollower } from '#alerts/follower.ts';
import type { Alarm } from '#model/alarm.ts';
import type { Entry } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Series } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { Rule, Station } from '#model/register.ts';
import { alarms } from '#store/alert-queries.ts';
import { Control } from '#store/control.ts';
import { openDerived } from '#store/derived.ts';
import type { JournalReader } from '#store/journal-port.ts';

export interface Arrival {
  station: string;
  parameter: string;
  timeMs: number;
  receivedMs: number;
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
}

export interface Script {
  reference: Reference;
  stations: Readonly<Record<string, Station>>;
  rules: Readonly<Record<string, Rule>>;
  allowedLatenessMs: number;
  /** In any order; each is a message of its own. */
  arrivals: readonly Arrival[];
}

export interface Played {
  /** Every alarm that there ever was, late records included, by `raisedAt`. */
  alarms: Alarm[];
  changes: AlarmChange[];
}

const ALARMS_MAX = 100_000;
const SILENT = { info: () => {}, warn: () => {} };

export async function play({ reference, stations, rules, allowedLatenessMs, arrivals }: Script): Promise<Played> {
  const [standard] = reference.standards.values();
  if (!standard) throw new Error('the reference data has no standard');
  const { entries, series } = journalOf(stations, rules, arrivals);
  const changes: AlarmChange[] = [];
  const derived = openDerived(':memory:');
  try {
    const follower = createAlertsFollower({
      derived,
      reader: readerOf(entries, series),
      control: new Control([]),
      reference,
      standard,
      allowedLatenessMs,
      publicUrl: null,
      log: SILENT,
      onAlarms: (some) => changes.push(...some),
    });
    await follower.apply(entries);
    const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
    return { alarms: alarms(derived, { ...all, limit: ALARMS_MAX, after: null }).reverse(), changes };
  } finally {
    derived.close();
  }
}

/** The entries that a door would have journaled. */
function journalOf(stations: Script['stations'], rules: Script['rules'], arrivals: readonly Arrival[]) {
  const inOrder = arrivals.toSorted((a, b) => a.receivedMs - b.receivedMs);
  const startMs = inOrder[0]?.receivedMs ?? 0;
  const entries: Entry[] = [];
  const put = (noun: 'station' | 'rule', id: string, body: unknown) =>
    entries.push({
      kind: 'command',
      seq: entries.length + 1,
      receivedMs: startMs,
      actor: 'rules:test',
      command: { verb: 'put', noun, id, body },
    } as Entry);
  for (const [id, body] of Object.entries(stations)) put('station', id, body);
  for (const [id, body] of Object.entries(rules)) put('rule', id, body);

  const series: Series[] = [];
  const known = new Map<string, number | null>();
  for (const { station, parameter, timeMs, receivedMs, value, flag, deviceFlag } of inOrder) {
    let id = series.find((one) => one.station === station && one.parameter === parameter)?.id;
    if (id === undefined) {
      id = series.length + 1;
      series.push({ id, station, parameter });
    }
    const key = `${id} ${timeMs}`;
    const verdict = !known.has(key) ? 'new' : known.get(key) === value ? 'duplicate' : 'correction';
    known.set(key, value);
    const readings = [{ series: id, timeMs, value, flag, deviceFlag, verdict } as const];
    const seq = entries.length + 1;
    entries.push({ kind: 'message', seq, receivedMs, source: 'rules:test', gatewaySeq: null, readings: [...readings] });
  }
  return { entries, series };
}

/** A journal in memory, as its followers read it. Entry `seq` stands at index `seq` − 1, series `id` likewise. */
export function readerOf(entries: readonly Entry[], series: Series[]): JournalReader {
  return {
    headSeq: () => entries.length,
    oldestSeq: () => 1,
    read: (after, limit) => entries.slice(after, after + limit),
    tail: (limit) => entries.slice(-limit),
    raw: () => undefined,
    seriesById: (id) => series[id - 1],
    seriesByName: (station, parameter) => series.find((one) => one.station === station && one.parameter === parameter),
    allSeries: () => series,
    intakeCounts: () => [],
  };
}
