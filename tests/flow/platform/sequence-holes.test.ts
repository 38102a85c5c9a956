/**
 * Holes in a gateway's numbering on the real process: they are the same after SIGKILL, raise one alarm once they have stood for
 * WK_SEQUENCE_GRACE, and end it when they are filled or closed.
 */
import { afterAll, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const env = { WK_SEQUENCE_GRACE: 'PT2S' };
const STATION = {
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  area: 'henan',
  parameters: [{ id: 'ph' }],
};
const baseMs = Date.now() - 600_000;
const started: TestService[] = [];

async function start(dataDir?: string): Promise<TestService> {
  const service = await startTestService({ env, ...(dataDir !== undefined && { dataDir }) });
  started.push(service);
  return service;
}

afterAll(async () => {
  for (const service of started) await service.end('SIGKILL');
  await started.at(-1)?.remove();
});

interface Sequence {
  missing: number;
  last: number | null;
  holes: { from: number; to: number; count: number; since: string }[];
  lost: { count: number };
}

async function sequenceOf(service: TestService): Promise<Sequence> {
  return (await service.call<{ sequence: Sequence }>('GET', '/gateways/gw')).body.sequence;
}

async function alarms(service: TestService) {
  const { body } = await service.call<{ items: { parameter: string; state: string; detail: string }[] }>(
    'GET',
    '/alarms?station=_platform',
  );
  return body.items.filter(({ parameter }) => parameter === 'sequence.holes');
}

it('survive SIGKILL, are told once, filled late or closed by who knows', async () => {
  const first = await start();
  await first.call('PUT', '/stations/s', STATION);
  const password = await first.gateway('gw', ['s']);
  const publish = async (service: TestService, ...numbers: number[]) => {
    const client = await service.connect('gw', password);
    for (const seq of numbers) {
      const samples = [{ station: 's', time: baseMs + seq * 1000, values: { ph: 7 + (seq % 10) / 10 } }];
      await client.publishAsync('wk/v1/gw/readings', JSON.stringify({ seq, samples }), { qos: 1 });
    }
    await client.endAsync();
  };
  await publish(first, 1, 2, 5, 6, 6, 10);
  const before = await sequenceOf(first);
  expect(before).toMatchObject({
    missing: 5,
    last: 10,
    holes: [
      { from: 3, to: 4 },
      { from: 7, to: 9, count: 3 },
    ],
  });
  await first.end('SIGKILL');

  const second = await start(first.dataDir);
  expect(await sequenceOf(second)).toEqual(before);
  const raised = await eventually('the alarm', async () => (await alarms(second))[0]);
  expect(raised).toMatchObject({ state: 'raised', detail: expect.stringContaining('gw lacks 5 messages (3–4, 7–9)') });
  await second.end('SIGKILL');

  const third = await start(first.dataDir);
  await publish(third, 3, 8, 4, 10);
  expect(await sequenceOf(third)).toMatchObject({
    missing: 2,
    holes: [
      { from: 7, to: 7 },
      { from: 9, to: 9 },
    ],
  });
  const closed = await third.call('POST', '/gateways/gw/sequence/close', { through: 8, reason: 'without power' });
  expect(closed).toMatchObject({ status: 200, body: { closed: 1, sequence: { missing: 1, lost: { count: 1 } } } });
  await third.end('SIGKILL');

  const fourth = await start(first.dataDir);
  expect(await sequenceOf(fourth)).toMatchObject({ missing: 1, last: 10, lost: { count: 1 } });
  expect(await alarms(fourth)).toMatchObject([{ state: 'raised' }]);
  await publish(fourth, 9, 11);
  expect(await sequenceOf(fourth)).toMatchObject({ missing: 0, last: 11, holes: [] });
  await eventually('the end of the alarm', async () => (await alarms(fourth))[0]?.state === 'returned');
  expect(await alarms(fourth)).toHaveLength(1);
}, 120_000);
