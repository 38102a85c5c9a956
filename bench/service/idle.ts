/**
 * What the service costs when nothing comes, when next to nothing does, and on a usual day of a large installation: a thousand
 * series, a rule, embedded store.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { atMost, type Figure, figure } from '#bench/shared/figure.ts';
import {
  caughtUp,
  cpuSeconds,
  peakRssMB,
  publish,
  register,
  STATIONS,
  withService,
} from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';

const READINGS_PER_SECOND = 10;
/** The usual day: messages come one by one, and each may be a commit of its own. */
const USUAL_PER_SECOND = 6000;
const SECONDS = 30;
/** While what starts with the service comes to its end. */
const SETTLING_MS = 10_000;

export async function run(): Promise<Figure[]> {
  return withService(async (service) => {
    const passwords = await register(service);
    const shareWhile = async (work: () => Promise<unknown>) => {
      const [beganMs, before] = [performance.now(), cpuSeconds(service.child)];
      await work();
      return ((cpuSeconds(service.child) - before) * 100) / ((performance.now() - beganMs) / 1000);
    };
    const publishFor = (seconds: number, readingsPerSecond: number) => {
      const messagesPerSecond = readingsPerSecond / PARAMETERS.length;
      return publish({
        port: service.mqttPort,
        passwords,
        stations: STATIONS,
        messages: Math.ceil(messagesPerSecond * seconds),
        window: Number.MAX_SAFE_INTEGER,
        pace: { messagesPerSecond, breachesPerSecond: 0 },
      });
    };
    await publishFor(4, READINGS_PER_SECOND);
    await pause(SETTLING_MS);
    const none = await shareWhile(() => pause(SECONDS * 1000));
    const some = await shareWhile(() => publishFor(SECONDS, READINGS_PER_SECOND));
    const before = cpuSeconds(service.child);
    const { acknowledgedMs } = await publishFor(SECONDS, USUAL_PER_SECOND);
    await caughtUp(service);
    const usualSeconds = cpuSeconds(service.child) - before;
    return [
      atMost(0.5, 'CPU when nothing comes', none, '% of a core'),
      atMost(0.5, `CPU at ${READINGS_PER_SECOND} readings/s`, some, '% of a core'),
      atMost(15, 'CPU at 6000 readings/s', (usualSeconds * 1e6) / (SECONDS * USUAL_PER_SECOND), 'µs/reading'),
      figure('acknowledged after, at 6000 readings/s, p50', acknowledgedMs.p50, 'ms'),
      figure('acknowledged after, at 6000 readings/s, p99', acknowledgedMs.p99, 'ms'),
      figure('most memory', peakRssMB(service.child), 'MB'),
    ];
  });
}
