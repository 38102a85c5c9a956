/**
 * The main job at full speed, on the real service: gateways in a process of their own publish messages of 20 readings
 * at QoS 1 as fast as they are acknowledged, all followers running and the rule `class-target` watching.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { atLeast, atMost, type Figure, figure } from '#bench/shared/figure.ts';
import {
  caughtUp,
  cpuSeconds,
  openProgress,
  peakRssMB,
  publish,
  register,
  STATIONS,
  withService,
} from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';

const MESSAGES = 150_000;
/** Unacknowledged messages a gateway, about what the acknowledgements of two group commits make room for. */
const WINDOW = 50;
const STEP_MS = 1000;
const SAMPLE_MS = 250;

/**
 * A reading of each series a second, up to now, so that nothing is late. "Acknowledged" counts to the last PUBACK;
 * "sustained" until the `readings` follower has passed everything, including what it was behind by then.
 */
export async function run(): Promise<Figure[]> {
  return withService(async (service) => {
    const { child } = service;
    const passwords = await register(service);
    const before = { rssMB: peakRssMB(child), cpuSeconds: cpuSeconds(child) };
    const backlog = watchBacklog(service.dataDir);
    const published = await publish({
      port: service.mqttPort,
      passwords,
      stations: STATIONS,
      messages: MESSAGES,
      window: WINDOW,
      pace: { startMs: Date.now() - (MESSAGES / STATIONS) * STEP_MS, stepMs: STEP_MS },
    });
    const { longest, storedSeq } = await backlog.end();
    const { storedMs, allMs } = await caughtUp(service);
    const usedSeconds = cpuSeconds(child) - before.cpuSeconds;
    const { beganMs, endedMs, acknowledgedMs } = published;
    const readings = MESSAGES * PARAMETERS.length;
    const perSecond = (untilMs: number) => readings / ((untilMs - beganMs) / 1000);
    const whilePublishing = (storedSeq * PARAMETERS.length) / ((endedMs - beganMs) / 1000);
    const microsPerReading = (seconds: number) => (seconds * 1e6) / readings;
    return [
      atLeast(100_000, 'acknowledged', perSecond(endedMs), 'readings/s'),
      atLeast(60_000, 'sustained into the embedded store', perSecond(storedMs), 'readings/s'),
      figure('stored while publishing', whilePublishing, 'readings/s'),
      figure('passed by every follower', perSecond(allMs), 'readings/s'),
      figure('acknowledged after, p50', acknowledgedMs.p50, 'ms'),
      figure('acknowledged after, p99', acknowledgedMs.p99, 'ms'),
      figure('longest backlog of the store', longest * PARAMETERS.length, 'readings'),
      figure('most memory before', before.rssMB, 'MB'),
      atMost(300, 'most memory throughout', peakRssMB(child), 'MB'),
      figure('CPU of the service', microsPerReading(usedSeconds), 'µs/reading'),
      figure('CPU of the publishing process', microsPerReading(published.cpuSeconds), 'µs/reading'),
    ];
  });
}

/** Looks how far the store is behind, until it is ended; in entries. */
function watchBacklog(dataDir: string): { end(): Promise<{ longest: number; storedSeq: number }> } {
  const progress = openProgress(dataDir);
  let longest = 0;
  let storedSeq = 0;
  let isEnding = false;
  const look = () => {
    const now = progress.now();
    longest = Math.max(longest, now.headSeq - now.storedSeq);
    storedSeq = now.storedSeq;
  };
  const watching = (async () => {
    for (; !isEnding; await pause(SAMPLE_MS)) look();
  })();
  return {
    async end() {
      look();
      isEnding = true;
      await watching;
      progress.close();
      return { longest, storedSeq };
    },
  };
}
