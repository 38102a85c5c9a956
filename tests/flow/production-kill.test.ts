/**
 * Invariants 1 and 2 on the production path: under load, the service and InfluxDB are killed, the broker is restarted and the
 * network cut, in any order. Whatever Mosquitto acknowledged is in InfluxDB afterwards, once, with its value.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { eventually } from '#tests/helpers/eventually.ts';
import { hasProduction, type Production, SKIPPED, startProduction } from '#tests/helpers/production.ts';

const ROUNDS = Number(process.env.WK_TEST_PRODUCTION_KILLS ?? 16);
const PARAMETERS = ['ph', 'do', 'ec', 'turbidity', 'codmn', 'cod', 'nh3n', 'tp'];
/** Some hundred messages a second: what the service takes beside everything else, or the broker's backlog never ends. */
const WINDOW = 10;
const PAUSE_MS = 20;
const STEP_MS = 100;

const valueAt = (message: number, place: number) => ((message * 8 + place) % 997) / 1000 + 1;

/** Resolves at the PUBACK. A client that loses its connection while it comes back gives messages up: those go again. */
async function delivered(client: MqttClient, payload: string): Promise<void> {
  for (;;) {
    try {
      await client.publishAsync('wk/v1/gw/readings', payload, { qos: 1 });
      return;
    } catch (error) {
      if (client.disconnecting) throw error;
      await pause(50);
    }
  }
}

/** Each strikes and ends; the load goes on meanwhile. */
const STRIKES: Record<string, (production: Production) => Promise<void>> = {
  async service(production) {
    await production.service.end('SIGKILL');
    await production.restart();
  },
  async influxdb(production) {
    await production.influx.kill();
    await pause(200);
    await production.influx.start();
  },
  broker: (production) => production.restartBroker(),
  async 'network to the broker'(production) {
    production.toBroker.set({ kind: 'cut', direction: 'both' });
    await pause(300);
    production.toBroker.set({ kind: 'reset' });
    production.toBroker.set({ kind: 'none' });
  },
  async 'network to InfluxDB'(production) {
    production.toInflux.set({ kind: 'cut', direction: 'down' });
    await pause(300);
    production.toInflux.set({ kind: 'reset' });
    production.toInflux.set({ kind: 'none' });
  },
  async 'both at once'(production) {
    await Promise.all([production.service.end('SIGKILL'), production.influx.kill()]);
    await production.restart();
    await production.influx.start();
  },
};

describe.skipIf(!hasProduction)(`kills on the production path${SKIPPED}`, () => {
  it(`loses nothing acknowledged over ${ROUNDS} strikes`, { timeout: 1_800_000 }, async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * below);
    };
    const production = await startProduction();
    try {
      const section = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river' };
      await production.service.call('PUT', '/stations/s', { ...section, parameters: [] });
      await production.service.gateway('gw', ['s']);
      const client = await production.gateway();
      const baseMs = Date.now() - 3_600_000;
      const acknowledged = new Set<number>();
      let next = 0;
      let isOver = false;
      const lane = async () => {
        while (!isOver) {
          const message = next++;
          const values = Object.fromEntries(PARAMETERS.map((id, place) => [id, valueAt(message, place)]));
          const payload = JSON.stringify({ samples: [{ station: 's', time: baseMs + message * STEP_MS, values }] });
          await delivered(client, payload);
          acknowledged.add(message);
          await pause(PAUSE_MS);
        }
      };
      // A strike that fails ends the connection under them.
      const lanes = Array.from({ length: WINDOW }, () => lane().catch((error: Error) => error));
      const names = Object.keys(STRIKES);
      for (let round = 0; round < ROUNDS; round++) {
        await pause(random(400));
        await STRIKES[names[random(names.length)]!]!(production);
      }
      isOver = true;
      expect(await Promise.all(lanes)).toEqual(lanes.map(() => undefined));
      expect(acknowledged.size, `seed ${seed}`).toBeGreaterThan(ROUNDS * 50);
      const sent = acknowledged.size * PARAMETERS.length;
      // Repeats count as received, so that alone wouldn't say that the broker has handed everything over.
      await eventually(
        `seed ${seed}: ${sent} readings in InfluxDB`,
        async () => (await production.stored()) >= sent,
        600_000,
      );
      const ledger = await production.settled('gw', sent);
      expect(ledger.received, `seed ${seed}`).toBe(ledger.stored! + ledger.duplicate!);
      expect(ledger, `seed ${seed}`).toMatchObject({ stored: sent, quarantined: 0 });
      for (const [place, parameter] of PARAMETERS.entries()) {
        const { results } = await production.influx.query(
          `SELECT "value" FROM "reading" WHERE "parameter" = '${parameter}'`,
          'wellkeeper',
        );
        const rows = results[0]!.series![0]!.values as [number, number][];
        const wrong = rows.filter(([timeMs, value]) => value !== valueAt((timeMs - baseMs) / STEP_MS, place));
        expect(wrong, `seed ${seed}, ${parameter}`).toEqual([]);
        expect(rows.length, `seed ${seed}, ${parameter}`).toBe(acknowledged.size);
      }
    } finally {
      await production.remove();
    }
  });
});
