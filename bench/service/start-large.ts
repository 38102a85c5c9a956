/**
 * From spawning the service to /readyz with the registers of a large installation: 100,000 series, and 20,000 stations. Everything
 * is in the journal and passed by every follower; a reading of each series.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Figure, figure, inDirectory, median } from '#bench/shared/figure.ts';
import { caughtUp, peakRssMB, startService } from '#bench/shared/running-service.ts';
import { PARAMETERS, sectionStation, valueAt } from '#bench/shared/water.ts';
import { openJournal } from '#journal/writer.ts';
import type { JournaledReading } from '#model/entry.ts';
import { systemClock } from '#src/clock.ts';

const STARTS = 3;
const JOURNAL_BYTES = 2 ** 30;
/** Appends that share commits. */
const TOGETHER = 1000;
const LARGE: readonly { name: string; stations: number; parameters: number }[] = [
  { name: '1000 series', stations: 50, parameters: 20 },
  { name: '100000 series', stations: 5000, parameters: 20 },
  { name: '20000 stations', stations: 20_000, parameters: 1 },
];

export async function run(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const memory: number[] = [];
  for (const { name, stations, parameters } of LARGE) {
    const { readyMs, mostMB } = await inDirectory(async (dataDir) => {
      await fill(dataDir, stations, parameters);
      return started(dataDir);
    });
    memory.push(mostMB);
    figures.push(
      atMost(2000, `start to ready, ${name}`, readyMs, 'ms'),
      figure(`most memory of a start, ${name}`, mostMB, 'MB'),
    );
  }
  const series = ({ stations, parameters }: (typeof LARGE)[number]) => stations * parameters;
  const further = ((memory[1]! - memory[0]!) * 1000) / (series(LARGE[1]!) - series(LARGE[0]!));
  return [...figures, atMost(2, 'memory of each series beyond 1000', further, 'kB')];
}

/** The first start has the followers pass everything; the others count. */
async function started(dataDir: string): Promise<{ readyMs: number; mostMB: number }> {
  const times: number[] = [];
  let mostMB = 0;
  for (let start = 0; start <= STARTS; start++) {
    for (const name of ['http.port', 'mqtt.port']) rmSync(join(dataDir, name), { force: true });
    const beganMs = performance.now();
    const service = await startService({ dataDir });
    try {
      if (start > 0) times.push(performance.now() - beganMs);
      await caughtUp(service);
      if (start > 0) mostMB = Math.max(mostMB, peakRssMB(service.child));
    } finally {
      await service.end();
    }
  }
  return { readyMs: median(times), mostMB };
}

async function fill(dataDir: string, stations: number, parameters: number): Promise<void> {
  const path = join(dataDir, 'journal.db');
  const journal = openJournal({ path, clock: systemClock, maxBytes: JOURNAL_BYTES, ackMaxDelayMs: 20 });
  const body = sectionStation('PT5M');
  const listed = { ...body, parameters: body.parameters.slice(0, parameters) };
  const timeMs = systemClock.nowMs() - 60_000;
  const one = async (id: string) => {
    await journal.appendCommand('bench', { verb: 'put', noun: 'station', id, body: listed });
    const readings = PARAMETERS.slice(0, parameters).map(({ id: parameter }, place): JournaledReading => {
      const { series } = journal.seriesFor(id, parameter);
      return { series: series.id, timeMs, value: valueAt(place, 0), flag: 1, deviceFlag: null, verdict: 'new' };
    });
    const raw = new Uint8Array(0);
    await journal.appendMessage({
      source: 'bench',
      gatewaySeq: null,
      readings,
      raw,
      quarantine: [],
      received: readings.length,
    });
  };
  for (let from = 0; from < stations; from += TOGETHER) {
    await Promise.all(Array.from({ length: Math.min(TOGETHER, stations - from) }, (_, n) => one(`s${from + n}`)));
  }
  await journal.close();
}
