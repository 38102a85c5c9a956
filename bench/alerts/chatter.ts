/**
 * What one gateway costs everybody else whose series alternates about its limit: messages of 400 samples, and another station's
 * alarm after each of them, or after all, which the follower reaches once it is through. Part of the benchmark `alerts`.
 */
import { createAlertsFollower } from '#alerts/follower.ts';
import { atMost, type Figure, figure, quantile } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import type { Entry } from '#model/entry.ts';
import { routes, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { systemClock } from '#src/clock.ts';
import { readerOf } from '#src/rule-tests/play.ts';

const T0 = Date.UTC(2026, 10, 22);
const SAMPLES = 400;
/** So many samples a second, all within lateness. */
const RATE = 10;
const BATCH = 200;

export async function chatter(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const samples of [6800, 60_000]) {
    const behind = await delayed(samples, samples);
    figures.push(figure(`another station's alarm after ${samples} samples about the limit at once`, behind[0]!, 's'));
    const between = await delayed(samples, SAMPLES);
    figures.push(atMost(1, 'alarms of others after each 400 of them, p99', quantile(between, 0.99), 's'));
  }
  return figures;
}

/** For how long another's alarm waits each time that so many samples went before it, in seconds. */
async function delayed(samples: number, each: number): Promise<number[]> {
  const reference = loadReference();
  const derived = openDerived(':memory:');
  const others = Array.from({ length: samples / each }, (_, n) => `lock-${n}`);
  const series = ['weir', ...others].map((name, n) => ({ id: n + 1, station: name, parameter: 'nh3n' }));
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
  const seconds: number[] = [];
  let seq = 0;
  for (const n of others.keys()) {
    const receivedMs = T0 + ((n + 1) * each * 1000) / RATE;
    const message = (id: number, from: number, count: number): Entry => {
      const readings = Array.from({ length: count }, (_, k) => {
        const timeMs = T0 + ((from + k) * 1000) / RATE;
        return { series: id, timeMs, value: k % 2 ? 0.1 : 0.8, flag: 1, deviceFlag: null, verdict: 'new' } as const;
      });
      return { kind: 'message', seq: ++seq, receivedMs, source: 'gw', gatewaySeq: null, readings };
    };
    const sent = Array.from({ length: each / SAMPLES }, (_, k) => message(1, n * each + k * SAMPLES, SAMPLES));
    const entries = [...sent, message(n + 2, (n + 1) * each, 1)];
    const beganMs = systemClock.monotonicMs();
    for (let at = 0; at < entries.length; at += BATCH) await follower.apply(entries.slice(at, at + BATCH));
    seconds.push((systemClock.monotonicMs() - beganMs) / 1000);
  }
  const told = derived.prepare("SELECT count(*) AS n FROM alarm WHERE station <> 'weir' AND state = 'raised'").get();
  derived.close();
  if (told?.n !== others.length) throw new Error('alarms of other stations are missing');
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
