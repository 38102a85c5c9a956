/**
 * The present of the whole installation: stations, their newest water, open alarms. Read once after logging in, kept
 * up by the live line. Classes are the service's: a station is read again when it has alarms, all when readings came.
 */
import { computed, signal } from '@preact/signals';
import type { Alarm, Latest } from '../api-types.ts';
import { type Answer, ask, askAll, Failure, type Item } from './api.ts';
import { type Batch, line, onLive } from './live.ts';

export type Station = Item<'GET /stations'>;
export type Parameter = Item<'GET /parameters'>;
export type Standard = Answer<'GET /standards/{id}'>;

export const stations = signal<ReadonlyMap<string, Station>>(new Map());
export const parameters = signal<ReadonlyMap<string, Parameter>>(new Map());
export const standard = signal<Standard | null>(null);
export const latest = signal<ReadonlyMap<string, Latest>>(new Map());
export const openAlarms = signal<readonly Alarm[]>([]);
export const watchState = signal<'loading' | 'ready' | Failure>('loading');

const OPEN = new Set(['raised', 'acknowledged', 'returned']);
const PLATFORM = '_platform';
/** Classes and staleness are read again at most this often while readings come, and this often when none do. */
const LATEST_MS = 10_000;
const QUIET_MS = 60_000;

/** Open alarms about water and sensors by station. */
export const alarmsByStation = computed(() => {
  const found = new Map<string, Alarm[]>();
  for (const alarm of openAlarms.value) found.set(alarm.station, [...(found.get(alarm.station) ?? []), alarm]);
  return found;
});

export const isPlatform = (alarm: Alarm): boolean => alarm.station === PLATFORM;

async function readLatest(): Promise<void> {
  const items = await askAll('GET /latest');
  latest.value = new Map(items.map((item) => [item.station, item]));
}

async function readAlarms(): Promise<void> {
  openAlarms.value = await askAll('GET /alarms', { query: { state: [...OPEN].join(',') } }, 5000);
}

async function readStation(id: string): Promise<void> {
  const item = await ask('GET /stations/{id}/latest', { path: { id } });
  latest.value = new Map(latest.value).set(id, item);
}

/** Reads everything; `watchState` says how it went. What is shown stays when it can't be read anew. */
export async function readAll(): Promise<boolean> {
  try {
    const [allStations, allParameters, standards] = await Promise.all([
      askAll('GET /stations'),
      askAll('GET /parameters'),
      askAll('GET /standards'),
      readLatest(),
      readAlarms(),
    ]);
    const first = standards[0];
    standard.value = first ? await ask('GET /standards/{id}', { path: { id: first.id } }) : null;
    stations.value = new Map(allStations.map((station) => [station.id, station]));
    parameters.value = new Map(allParameters.map((parameter) => [parameter.id, parameter]));
    watchState.value = 'ready';
    return true;
  } catch (error) {
    if (watchState.value === 'ready') return false;
    watchState.value = error instanceof Failure ? error : new Failure(0, 'unknown', String(error));
    return false;
  }
}

/** What of a reading replaces an older one's; what it doesn't have the older one's must not stand for. */
function measuredIn({ time, value, flag, deviceFlag, censored }: Batch['readings'][number]) {
  return { time, value, flag, deviceFlag, censored };
}

/** Puts live readings into what is known; values only, their classes come with the next reading of the service. */
function takeReadings({ readings }: Batch): void {
  const changed = new Map<string, Latest>();
  for (const reading of readings) {
    const known = changed.get(reading.station) ?? latest.value.get(reading.station);
    if (!known) continue;
    const items = known.items.map((item) =>
      item.parameter === reading.parameter && item.time <= reading.time ? { ...item, ...measuredIn(reading) } : item,
    );
    changed.set(reading.station, { ...known, items });
  }
  if (changed.size > 0) latest.value = new Map([...latest.value, ...changed]);
}

function takeAlarms({ alarms }: Batch): void {
  const byId = new Map(openAlarms.value.map((alarm) => [alarm.id, alarm]));
  for (const alarm of alarms) {
    if (OPEN.has(alarm.state)) byId.set(alarm.id, alarm);
    else byId.delete(alarm.id);
  }
  openAlarms.value = [...byId.values()].sort((a, b) => (a.raisedAt < b.raisedAt ? 1 : -1));
}

/** Keeps the present up to date; @returns a function that ends it. */
export function startWatch(): () => void {
  let isDirty = false;
  let isMissing = false;
  let readMs = performance.now();
  const refresh = () => {
    isDirty = false;
    readMs = performance.now();
    // A failure here is the line's failure, too, and that is shown.
    void readLatest().catch(() => undefined);
  };
  const catchUp = async () => {
    isMissing = false;
    if (!(await readAll())) isMissing = true;
  };
  const timer = setInterval(() => {
    if (isMissing && line.value.state === 'live') void catchUp();
    const sinceMs = performance.now() - readMs;
    if ((isDirty && sinceMs >= LATEST_MS) || sinceMs >= QUIET_MS) refresh();
  }, 1000);
  const stop = onLive((batch) => {
    if (batch.reset) void catchUp();
    if (batch.readings.length > 0) isDirty = true;
    takeReadings(batch);
    if (batch.alarms.length === 0) return;
    takeAlarms(batch);
    const touched = new Set(batch.alarms.filter((alarm) => !isPlatform(alarm)).map(({ station }) => station));
    for (const id of touched) void readStation(id).catch(() => undefined);
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}
