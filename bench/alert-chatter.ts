/**
 * What one gateway costs everybody else whose series alternates about its limit: messages of 400 samples, and then another
 * station's alarm, which the follower reaches once it is through. Part of the benchmark `alerts`.
 */
import { createAlertsFollower } from '#alerts/follower.ts';
import type { Entry } from '#model/entry.ts';
import { routes, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { systemClock } from '#src/clock.ts';
import { readerOf } from '#src/rule-tests/play.ts';
import { Control, type ControlVersion } from '#store/control.ts';
import { openDerived } from '#store/derived.ts';
import { type Figure, figure } from './figure.ts';

const T0 = Date.UTC(2026, 10, 22);
const SAMPLES = 400;
/** So many samples a second, all within lateness. */
const RATE = 10;
const BATCH = 200;

export async function chatter(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const samples of [6800, 60_000]) {
    const seconds = await delayed(samples);
    figures.push(figure(`another station's alarm after ${samples} samples about the limit`, seconds, 's'));
  }
  return figures;
}

async function delayed(samples: number): Promise<number> {
  const reference = loadReference();
  const derived = openDerived(':memory:');
  const series = ['weir', 'lock'].map((name, n) => ({ id: n + 1, station: name, parameter: 'nh3n' }));
  const follower = createAlertsFollower({
    derived,
    reader: readerOf([], series),
    control: new Control(registers(series.map((one) => one.station))),
    reference,
    standard: [...reference.standards.values()][0]!,
    allowedLatenessMs: 2 * 3_600_000,
    publicUrl: null,
    timeZone: 'Asia/Shanghai',
    log: { info: () => {}, warn: () => {} },
    onAlarms: () => {},
  });
  const entries: Entry[] = [];
  const receivedMs = T0 + (samples / RATE) * 1000;
  const send = (id: number, times: readonly number[]) => {
    const readings = times.map((n) => {
      const timeMs = T0 + (n * 1000) / RATE;
      return { series: id, timeMs, value: n % 2 ? 0.1 : 0.8, flag: 1, deviceFlag: null, verdict: 'new' } as const;
    });
    entries.push({ kind: 'message', seq: entries.length + 1, receivedMs, source: 'gw', gatewaySeq: null, readings });
  };
  for (let n = 0; n < samples; n += SAMPLES)
    send(
      1,
      Array.from({ length: SAMPLES }, (_, k) => n + k),
    );
  send(2, [samples]);
  const beganMs = systemClock.monotonicMs();
  while (follower.cursor() < entries.length) {
    await follower.apply(entries.slice(follower.cursor(), follower.cursor() + BATCH));
  }
  const seconds = (systemClock.monotonicMs() - beganMs) / 1000;
  const told = derived.prepare("SELECT count(*) AS n FROM alarm WHERE station = 'lock' AND state = 'raised'").get();
  derived.close();
  if (told?.n !== 1) throw new Error("the other station's alarm is missing");
  return seconds;
}

function registers(stations: readonly string[]): ControlVersion[] {
  const version = (noun: ControlVersion['noun'], id: string, body: unknown): ControlVersion => {
    return { noun, id, seq: 1, atMs: T0, actor: 'bench', body };
  };
  const section = station.parse({
    name: { zh: '站', en: 'Station' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n', interval: 'PT1M' }],
  });
  const severity = { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' };
  return [
    ...stations.map((id) => version('station', id, section)),
    version('rule', 'class-target', rule.parse({ kind: 'class', severity })),
    version('channel', 'hook', { kind: 'log' }),
    version('routes', 'routes', routes.parse([{ channels: ['hook'] }])),
  ];
}
