/**
 * Five thousand loggers of HJ 212, each on a TCP connection of its own with a frame a minute: what their connections cost, and
 * how soon each frame is confirmed. They are this process's, on the same machine.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { atMost, type Figure, figure, quantile } from '#bench/shared/figure.ts';
import { put, rssMB, withService } from '#bench/shared/running-service.ts';
import { sectionStation } from '#bench/shared/water.ts';
import { hj212 } from '#seeds/simulation/rtus/hj212.ts';
import type { TestService } from '#tests/helpers/service.ts';

const CONNECTIONS = 5_000;
const DEVICES_PER_GATEWAY = 1_000;
const MINUTES = 1;
const MINUTE_MS = 60_000;
/** Connections opened at once: the kernel's queue of those not yet accepted is short. */
const OPENED_AT_ONCE = 100;
const SETTLING_MS = 5_000;
/** Frames of the warm-up that wait for their confirmation. */
const WINDOW = 50;

export async function run(): Promise<Figure[]> {
  return withService(
    async (service) => {
      await register(service);
      await warmUp(service);
      await pause(SETTLING_MS);
      const before = rssMB(service.child);
      const loggers = await openAll(service.portOf('hj212'));
      const open = rssMB(service.child);
      const times = await report(loggers);
      const after = rssMB(service.child);
      for (const { socket } of loggers) socket.destroy();
      return [
        figure('5,000 TCP connections that are silent, more memory than none', open - before, 'MB'),
        atMost(60, '5,000 TCP connections with a frame a minute each, more memory than none', after - before, 'MB'),
        figure('TCP frame to its confirmation, p50', quantile(times, 0.5), 'ms'),
        atMost(50, 'TCP frame to its confirmation, p99', quantile(times, 0.99), 'ms'),
      ];
    },
    { WK_TCP_HJ212: '127.0.0.1:0' },
  );
}

async function register(service: TestService): Promise<void> {
  for (let gateway = 0; gateway * DEVICES_PER_GATEWAY < CONNECTIONS; gateway++) {
    const station = `s${gateway}`;
    await put(service, `/stations/${station}`, sectionStation('PT1M'));
    const devices = Array.from({ length: DEVICES_PER_GATEWAY }, (_, n) => ({
      address: hj212.identify(gateway * DEVICES_PER_GATEWAY + n).address,
      station,
    }));
    await put(service, `/gateways/g${gateway}`, { protocol: 'hj212', stations: [station], devices });
  }
}

/** The same frames over one connection: what reading, journaling and storing them takes is none of the connections'. */
async function warmUp(service: TestService): Promise<void> {
  const [logger] = await openAll(service.portOf('hj212'), 1);
  let confirmed = 0;
  logger!.socket.on('data', (chunk: Buffer) => {
    confirmed += chunk.toString('latin1').split('CN=9014').length - 1;
  });
  for (let n = 0; n < CONNECTIONS; n++) {
    logger!.socket.write(frameOf(n));
    while (n - confirmed > WINDOW) await pause(1);
  }
  while (confirmed < CONNECTIONS) await pause(10);
  logger!.socket.destroy();
}

function frameOf(n: number): Uint8Array {
  const rtu = { id: '', station: '', ...hj212.identify(n) };
  return hj212.report(rtu, { ph: 7.9, do: 9.1, nh3n: 0.08 }, Date.now(), n);
}

interface Logger {
  socket: Socket;
  /** When its last frame went. */
  sentMs: number;
}

async function openAll(port: number, count = CONNECTIONS): Promise<Logger[]> {
  const loggers: Logger[] = [];
  while (loggers.length < count) {
    const opened = Array.from({ length: Math.min(OPENED_AT_ONCE, count - loggers.length) }, () => {
      const socket = connect({ host: '127.0.0.1', port });
      return new Promise<Socket>((resolve, reject) => {
        socket.once('connect', () => resolve(socket)).once('error', reject);
      });
    });
    for (const socket of await Promise.all(opened)) loggers.push({ socket, sentMs: 0 });
  }
  return loggers;
}

/** @returns how long each frame took, ms. */
async function report(loggers: readonly Logger[]): Promise<number[]> {
  const times: number[] = [];
  for (const logger of loggers) {
    logger.socket.on('data', () => times.push(performance.now() - logger.sentMs));
  }
  const beganMs = performance.now();
  const total = loggers.length * MINUTES;
  for (let sent = 0; sent < total; sent++) {
    const dueMs = (sent * MINUTE_MS) / loggers.length;
    const aheadMs = dueMs - (performance.now() - beganMs);
    if (aheadMs > 1) await pause(aheadMs);
    const n = sent % loggers.length;
    const logger = loggers[n]!;
    logger.sentMs = performance.now();
    logger.socket.write(frameOf(n));
  }
  while (times.length < total) await pause(100);
  return times;
}
