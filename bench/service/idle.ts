/** What the service costs when next to nothing comes, and when nothing does: a thousand series, a rule, embedded store. */
import { setTimeout as pause } from 'node:timers/promises';
import { atMost, type Figure, figure } from '#bench/shared/figure.ts';
import { cpuSeconds, peakRssMB, publish, register, STATIONS, withService } from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';

const READINGS_PER_SECOND = 10;
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
    const messagesPerSecond = READINGS_PER_SECOND / PARAMETERS.length;
    const few = (messages: number) =>
      publish({
        port: service.mqttPort,
        passwords,
        stations: STATIONS,
        messages,
        window: Number.MAX_SAFE_INTEGER,
        pace: { messagesPerSecond, breachesPerSecond: 0 },
      });
    await few(2);
    await pause(SETTLING_MS);
    const none = await shareWhile(() => pause(SECONDS * 1000));
    const some = await shareWhile(() => few(Math.ceil(messagesPerSecond * SECONDS)));
    return [
      atMost(0.5, 'CPU when nothing comes', none, '% of a core'),
      atMost(0.5, `CPU at ${READINGS_PER_SECOND} readings/s`, some, '% of a core'),
      figure('most memory', peakRssMB(service.child), 'MB'),
    ];
  });
}
