/**
 * From a breach to the webhook that tells of it, on the real service at 5,000 and at 50,000 readings/s offered: an open loop, counted
 * from when each breaching message was due to be published until the notice's request has arrived.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atMost, type Figure, figure, quantile } from '#bench/shared/figure.ts';
import { breachStations } from '#bench/shared/load.ts';
import { publish, put, register, STATIONS, withService } from '#bench/shared/running-service.ts';
import { LIMITED, PARAMETERS } from '#bench/shared/water.ts';
import type { TestService } from '#tests/helpers/service.ts';

/** The first is an ordinary large installation, and its figures bear the plain names. */
const RATES = [
  { readingsPerSecond: 5000, aimMs: 250, at: '' },
  { readingsPerSecond: 50_000, aimMs: 25, at: ', at 50000 readings/s' },
];
const BREACHES_PER_SECOND = 20;
const SECONDS = 30;
/** While code is compiled and caches fill; its notices don't count. */
const WARM_UP_SECONDS = 5;

interface Told {
  event: string;
  alarm: { breachStart: string };
}

export async function run(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rate of RATES) figures.push(...(await told(rate)));
  return figures;
}

/** A breach's event time is when it was due, so the notice itself says where its latency begins. */
async function told({ readingsPerSecond, aimMs, at }: (typeof RATES)[number]): Promise<Figure[]> {
  return withService(async (service) => {
    const seconds = WARM_UP_SECONDS + SECONDS;
    const breaches = BREACHES_PER_SECOND * seconds;
    const latencies: { dueMs: number; ms: number }[] = [];
    const arrived = Promise.withResolvers<void>();
    const recipient = await listen(({ event, alarm }) => {
      const dueMs = Date.parse(alarm.breachStart);
      if (event === 'raised') latencies.push({ dueMs, ms: Date.now() - dueMs });
      if (latencies.length === breaches) arrived.resolve();
    });
    try {
      const stations = breachStations(breaches, LIMITED.length);
      const passwords = await register(service, stations);
      await routeEach(service, stations, recipient.url);
      const messagesPerSecond = readingsPerSecond / PARAMETERS.length;
      const published = await publish({
        port: service.mqttPort,
        passwords,
        stations: STATIONS,
        messages: messagesPerSecond * seconds,
        window: Number.MAX_SAFE_INTEGER,
        pace: { messagesPerSecond, breachesPerSecond: BREACHES_PER_SECOND },
      });
      await arrived.promise;
      const fromMs = published.beganMs + WARM_UP_SECONDS * 1000;
      const counted = latencies.filter(({ dueMs }) => dueMs >= fromMs).map(({ ms }) => ms);
      return [
        figure(`publish to webhook, p50${at}`, quantile(counted, 0.5), 'ms'),
        atMost(aimMs, `publish to webhook, p99${at}`, quantile(counted, 0.99), 'ms'),
        figure(`publish to webhook, longest${at}`, quantile(counted, 1), 'ms'),
        figure(`notices counted${at}`, counted.length, 'notices'),
        figure(`acknowledged after, p50${at}`, published.acknowledgedMs.p50, 'ms'),
        figure(`acknowledged after, p99${at}`, published.acknowledgedMs.p99, 'ms'),
      ];
    } finally {
      recipient.close();
    }
  });
}

/** A channel for each station: one that heard of all of them would be in flood, and told in summaries. */
async function routeEach(service: TestService, stations: number, url: string): Promise<void> {
  const routes = [];
  for (let index = 0; index < stations; index++) {
    await put(service, `/channels/bench-${index}`, { kind: 'webhook', url, secret: 'bench' });
    routes.push({ match: { station: [`b${index}`] }, channels: [`bench-${index}`] });
  }
  await put(service, '/routes', routes);
}

/** A webhook's recipient on loopback. */
async function listen(onTold: (body: Told) => void): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    onTold(JSON.parse(body) as Told);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
