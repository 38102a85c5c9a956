/**
 * Invariants 1 and 2 on the real process: SIGKILL at random instants under load, restart, count. Everything that was
 * acknowledged is stored, once, with its value; and the ledger adds up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const KILLS = Number(process.env.WK_TEST_KILLS ?? 50);
const PARAMETERS = [
  'ph',
  'do',
  'ec',
  'turbidity',
  'codmn',
  'cod',
  'bod5',
  'nh3n',
  'tp',
  'tn',
  'cu',
  'zn',
  'f',
  'se',
  'as',
  'hg',
  'cd',
  'cr6',
  'pb',
  'cn',
];
const STEP_MS = 100;
const WINDOW = 100;
const SETTINGS = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' };

const valueAt = (message: number, parameter: number) => ((message * 20 + parameter) % 997) / 1000 + 1;

/** Publishes messages from `next` on, those left unacknowledged by an earlier life first, until the connection dies. */
async function publishUntilDeath(
  service: TestService,
  password: string,
  baseMs: number,
  acked: Set<number>,
  sent: { next: number },
  left: Set<number>,
): Promise<void> {
  // A kill may come before the broker has accepted the connection.
  const client = await service.connect('gw', password).catch(() => null);
  if (!client) return;
  let inFlight = 0;
  let isOver = false;
  const dead = new Promise<void>((resolve) => {
    client.once('close', () => {
      isOver = true;
      resolve();
    });
  });
  client.on('error', () => {});
  const publish = (message: number): void => {
    inFlight++;
    left.add(message);
    const values = Object.fromEntries(PARAMETERS.map((id, index) => [id, valueAt(message, index)]));
    const payload = JSON.stringify({
      seq: message,
      samples: [{ station: 's', time: baseMs + message * STEP_MS, values }],
    });
    client.publish('wk/v1/gw/readings', payload, { qos: 1 }, (error) => {
      inFlight--;
      if (error) {
        isOver = true;
        return;
      }
      acked.add(message);
      left.delete(message);
      fill();
    });
  };
  const again = [...left];
  const fill = (): void => {
    while (!isOver && inFlight < WINDOW) publish(again.shift() ?? sent.next++);
  };
  fill();
  await dead;
}

it(`loses nothing acknowledged over ${KILLS} kills`, { timeout: 1_800_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  let service = await startTestService({ env: SETTINGS });
  try {
    await service.call('PUT', '/stations/s', {
      name: { zh: '断面', en: 'Section' },
      kind: 'river-section',
      waterBody: 'river',
      parameters: [],
    });
    const password = await service.gateway('gw', ['s']);
    const baseMs = Date.now() - 3_600_000;
    const acked = new Set<number>();
    const left = new Set<number>();
    const sent = { next: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const published = publishUntilDeath(service, password, baseMs, acked, sent, left);
      await pause(random() * 400);
      await service.end('SIGKILL');
      await published;
      service = await startTestService({ dataDir: service.dataDir, env: SETTINGS });
    }
    // The gateway's last word: what was never acknowledged is sent once more and acknowledged now.
    const client = await service.connect('gw', password);
    for (const message of [...left]) {
      const values = Object.fromEntries(PARAMETERS.map((id, index) => [id, valueAt(message, index)]));
      await client.publishAsync(
        'wk/v1/gw/readings',
        JSON.stringify({ seq: message, samples: [{ station: 's', time: baseMs + message * STEP_MS, values }] }),
        { qos: 1 },
      );
      acked.add(message);
    }
    expect(acked.size, `seed ${seed}`).toBeGreaterThan(KILLS * 10);

    const ledger = await eventually(
      'an empty pending',
      async () => {
        const { body } = await service.call<Record<string, number>>('GET', '/gateways/gw/ledger');
        return body.pending === 0 ? body : null;
      },
      600_000,
    );
    expect(ledger.received).toBe(ledger.stored! + ledger.duplicate! + ledger.quarantined!);
    expect(ledger.quarantined).toBe(0);
    let stored = 0;
    for (const [index, parameter] of PARAMETERS.entries()) {
      const times = new Set<number>();
      const from = encodeURIComponent(new Date(baseMs).toISOString());
      const to = encodeURIComponent(new Date(baseMs + 2 * 3_600_000).toISOString());
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { items: { time: string; value: number }[]; next: string | null } = (
          await service.call<{ items: { time: string; value: number }[]; next: string | null }>(
            'GET',
            `/series/s/${parameter}/readings?from=${from}&to=${to}&limit=10000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
          )
        ).body;
        for (const { time, value } of page.items) {
          const message = (Date.parse(time) - baseMs) / STEP_MS;
          expect(value, `seed ${seed}, message ${message}`).toBe(valueAt(message, index));
          times.add(message);
          stored++;
        }
        cursor = page.next;
      }
      expect(
        [...acked].filter((message) => !times.has(message)),
        `seed ${seed}, ${parameter}`,
      ).toEqual([]);
    }
    expect(ledger.stored, `seed ${seed}`).toBe(stored);
  } finally {
    await service.remove();
  }
});
