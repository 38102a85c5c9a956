/**
 * The live line of the whole page: one stream, handed on in batches, so that sixty readings a second cost four
 * renderings. What is kept between two batches is bounded by the number of series.
 */
import { signal } from '@preact/signals';
import type { Alarm } from '../api-types.ts';
import { loggedOut } from './api.ts';
import { openEventStream } from './event-stream.ts';
import { serviceNowMs } from './now.ts';

interface LiveReading {
  station: string;
  parameter: string;
  unit: string | null;
  time: string;
  value: number | null;
  flag: 1 | 2 | 3 | 4 | 9;
  deviceFlag?: string;
  censored?: '<' | '>';
}

export interface Batch {
  /** The newest of each series. */
  readings: LiveReading[];
  alarms: Alarm[];
  /** Something was missed: read anew what you show. */
  reset: boolean;
}

/** `sinceMs`: when the line was last heard while it is lost, else when it came up. */
export const line = signal<{ state: 'connecting' | 'live' | 'lost'; sinceMs: number }>({
  state: 'connecting',
  sinceMs: serviceNowMs(),
});

const BATCH_MS = 250;
const listeners = new Set<(batch: Batch) => void>();
const readings = new Map<string, LiveReading>();
let alarms: Alarm[] = [];
let reset = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let heardMs = serviceNowMs();

function flush(): void {
  timer = undefined;
  const batch = { readings: [...readings.values()], alarms, reset };
  readings.clear();
  alarms = [];
  reset = false;
  for (const listener of [...listeners]) listener(batch);
}

const soon = () => (timer ??= setTimeout(flush, BATCH_MS));

export function onLive(listener: (batch: Batch) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @returns a function that ends it. */
export function openLive(): () => void {
  line.value = { state: 'connecting', sinceMs: serviceNowMs() };
  const close = openEventStream('/api/v1/stream', {
    heard() {
      heardMs = serviceNowMs();
      if (line.value.state === 'live') return;
      // Whoever comes back resumes after the last event; what is computed from others' events is read anew.
      if (line.value.state === 'lost') reset = true;
      line.value = { state: 'live', sinceMs: heardMs };
      soon();
    },
    event({ name, data }) {
      if (name === 'reset') reset = true;
      else if (name === 'reading') {
        const reading = JSON.parse(data) as LiveReading;
        const key = `${reading.station}/${reading.parameter}`;
        const known = readings.get(key);
        // Backfilled readings arrive in the past's order; only the newest is the present.
        if (!known || known.time <= reading.time) readings.set(key, reading);
      } else if (name === 'alarm') alarms.push((JSON.parse(data) as { alarm: Alarm }).alarm);
      else return;
      soon();
    },
    lost() {
      if (line.value.state !== 'lost') line.value = { state: 'lost', sinceMs: heardMs };
    },
    refused() {
      loggedOut.value = true;
    },
  });
  return () => {
    close();
    clearTimeout(timer);
    timer = undefined;
    readings.clear();
    alarms = [];
  };
}
