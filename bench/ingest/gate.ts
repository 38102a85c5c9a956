/**
 * What the door costs without the disk: decode, resolve, judge, flag and remember messages of 20 values from 200
 * stations, in event-time order, every ring full. The journal is one in memory; SQLite is measured by bench/service/ingest.ts.
 */

import { type Figure, figure, stopwatch } from '#bench/shared/figure.ts';
import { createGate } from '#ingest/gate.ts';
import { station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { systemClock } from '#src/clock.ts';
import { MemoryJournal } from '#tests/helpers/journal/memory.ts';

const STATIONS = 200;
const VALUES = 20;
const ROUNDS = 150;
const WARM_UP_ROUNDS = 70;
const INTERVAL_MS = 300_000;

/** The journal in memory included. */
export async function run(): Promise<Figure[]> {
  const journal = new MemoryJournal(systemClock, { manual: true });
  const reference = loadReference();
  const parameters = [...reference.parameters.keys()].slice(0, VALUES);
  const name = { zh: '断面', en: 'Section' };
  const listed = parameters.map((id) => ({ id, interval: 'PT5M' }));
  const body = station.parse({ name, kind: 'river-section', waterBody: 'river', parameters: listed });
  for (let index = 0; index < STATIONS; index++) {
    await settled(journal, journal.appendCommand('bench', { verb: 'put', noun: 'station', id: `s${index}`, body }));
  }
  const gate = createGate({
    journal,
    control: journal.control,
    reference,
    clock: systemClock,
    maxMessageBytes: 1 << 18,
  });
  const startMs = systemClock.nowMs() - (ROUNDS + WARM_UP_ROUNDS) * INTERVAL_MS;

  const timer = stopwatch();
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const payloads = messages(parameters, startMs + round * INTERVAL_MS, round);
    const accept = async () => {
      const receipts = payloads.map((payload) =>
        gate.accept({ source: 'g', stations: null, contentType: 'application/json', payload }),
      );
      journal.commit();
      await Promise.all(receipts);
    };
    await (round < WARM_UP_ROUNDS ? accept() : timer.time(accept));
    journal.entries.length = 0;
  }
  const perMessage = (timer.elapsedMs() * 1000) / (ROUNDS * STATIONS);
  return [
    figure('accepting', perMessage, 'µs/message'),
    figure('accepting, of 20', perMessage / VALUES, 'µs/reading'),
    figure('accepted on one core', (VALUES * 1e6) / perMessage, 'readings/s'),
  ];
}

function messages(parameters: readonly string[], timeMs: number, seed: number): Buffer[] {
  const time = new Date(timeMs).toISOString().replace('Z', '+00:00');
  return Array.from({ length: STATIONS }, (_, index) => {
    const values = Object.fromEntries(
      parameters.map((id, place) => [id, Number((5 + Math.sin(seed / 9 + index + place)).toFixed(3))]),
    );
    return Buffer.from(JSON.stringify({ seq: seed, samples: [{ station: `s${index}`, time, values }] }));
  });
}

async function settled(journal: MemoryJournal, append: Promise<unknown>): Promise<void> {
  journal.commit();
  await append;
}
