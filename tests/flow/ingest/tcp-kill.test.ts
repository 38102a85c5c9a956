/** Invariants 1 and 2 over TCP: SIGKILL at random instants while an HJ 212 logger reports; whatever 9014 confirmed is there, once. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { hj212 } from '#seeds/simulation/rtus/hj212.ts';
import { connectRtu } from '#tests/helpers/ingest/rtu-client.ts';
import { eventually, startTestService } from '#tests/helpers/service.ts';

const KILLS = Number(process.env.WK_TEST_KILLS ?? 5);
const SETTINGS = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_TCP_HJ212: '127.0.0.1:0' };
const WINDOW = 50;
const RTU = { id: 'rtu', station: 's', ...hj212.identify(0) };
const PARAMETERS = ['ph', 'do', 'nh3n', 'tp'] as const;

const valuesOf = (number: number) => ({
  ph: 7 + (number % 100) / 100,
  do: 8 + (number % 50) / 100,
  nh3n: (number % 997) / 1000,
  tp: (number % 499) / 1000,
});

it(`loses nothing that was confirmed over ${KILLS} kills`, { timeout: 900_000 }, async () => {
  let service = await startTestService({ env: SETTINGS });
  try {
    const name = { zh: '断面', en: 'Section' };
    await service.call('PUT', '/stations/s', { name, kind: 'river-section', waterBody: 'river', parameters: [] });
    const entry = { stations: ['s'], ...hj212.entry(RTU) };
    expect((await service.call('PUT', '/gateways/rtu', entry)).status).toBe(201);
    const baseMs = Math.floor(Date.now() / 1000) * 1000 - 6 * 3_600_000;
    const frameOf = (number: number) => hj212.report(RTU, valuesOf(number), baseMs + number * 1000, number);
    /** As the answer has it. */
    const qnOf = (number: number) => /QN=\d+/.exec(Buffer.from(frameOf(number)).toString())![0];
    const confirmed = new Set<number>();
    const open = new Set<number>();
    let next = 0;

    async function report(until: Promise<unknown>): Promise<void> {
      const client = await connectRtu(service.portOf('hj212'));
      const waiting = new Map<string, number>();
      let isOver = false;
      const send = (number: number) => {
        waiting.set(qnOf(number), number);
        open.add(number);
        client.send(frameOf(number));
      };
      let rest = '';
      client.socket.on('data', (chunk: Buffer) => {
        rest += chunk.toString('latin1');
        const answers = rest.split('\r\n');
        rest = answers.pop()!;
        for (const answer of answers) {
          const number = waiting.get(/QN=\d+/.exec(answer)![0])!;
          expect(answer).toContain('CN=9014');
          confirmed.add(number);
          open.delete(number);
          if (!isOver) send(next++);
        }
      });
      for (const number of [...open]) send(number);
      while (waiting.size < WINDOW) send(next++);
      await Promise.race([until, client.closed]);
      isOver = true;
      client.socket.destroy();
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const killed = pause(50 + Math.random() * 400).then(() => service.end('SIGKILL'));
      await report(killed);
      await killed;
      service = await startTestService({ dataDir: service.dataDir, env: SETTINGS });
    }
    await report(eventually('a last confirmation', () => confirmed.size > KILLS * 20 && open.size <= WINDOW));
    expect(confirmed.size).toBeGreaterThan(KILLS * 20);

    const ledger = await eventually('an empty pending', async () => {
      const { body } = await service.call<Record<string, number>>('GET', '/gateways/rtu/ledger');
      return body.pending === 0 ? body : null;
    });
    expect(ledger).toMatchObject({ quarantined: 0 });
    expect(ledger.received).toBe(ledger.stored! + ledger.duplicate!);
    for (const parameter of PARAMETERS) {
      const values = new Map<number, number>();
      const range = `from=${encodeURIComponent(new Date(baseMs).toISOString())}&to=${encodeURIComponent(new Date().toISOString())}`;
      for (let cursor: string | null = ''; cursor !== null; ) {
        const path: string = `/series/s/${parameter}/readings?${range}&limit=10000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
        const page = await service.call<{ items: { time: string; value: number }[]; next: string | null }>('GET', path);
        for (const { time, value } of page.body.items) values.set((Date.parse(time) - baseMs) / 1000, value);
        cursor = page.body.next;
      }
      const wrong = [...confirmed].filter((number) => {
        return (
          values.get(number) !==
          Number(valuesOf(number)[parameter].toFixed(parameter === 'ph' || parameter === 'do' ? 2 : 3))
        );
      });
      expect(wrong, parameter).toEqual([]);
    }
  } finally {
    await service.remove();
  }
});
