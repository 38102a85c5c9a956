/** A rule about closed days in the running service: it says what `GET /assessments` says. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Midnight in Shanghai, three days ago. */
const startMs = Math.floor((Date.now() + 8 * HOUR) / DAY) * DAY - 8 * HOUR - 3 * DAY;
const date = new Date(startMs + 8 * HOUR).toISOString().slice(0, 10);
const STATION = {
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: ['nh3n', 'codmn', 'do'].map((id) => ({ id, interval: 'PT1H' })),
};
let service: TestService;

beforeAll(async () => {
  service = await startTestService();
  await service.call('PUT', '/stations/weir', STATION);
});
afterAll(async () => service?.remove());

const alarms = async () =>
  (await service.call<{ items: Record<string, unknown>[] }>('GET', '/alarms?station=weir&rule=daily')).body.items;

it('judges as assessments do, and keeps the name of the canal', async () => {
  const rule = {
    kind: 'assessed',
    select: { stations: ['weir'] },
    period: 'day',
    severity: { III: 'minor', V: 'critical' },
  };
  expect((await service.call('PUT', '/rules/daily', rule)).status).toBe(201);
  expect((await service.call('PUT', '/stations/_canal', STATION)).body).toMatchObject({ code: 'id.invalid' });
  const samples = Array.from({ length: 24 }, (_, hour) => ({
    station: 'weir',
    time: startMs + hour * HOUR,
    values: { nh3n: 0.61 + hour / 1000, codmn: 4 + (hour % 2) / 10, do: 7 + (hour % 3) / 10 },
  }));
  expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
  const alarm = await eventually('the day that was missed', async () => (await alarms())[0]);

  const { body } = await service.call<{ breaches: object[]; valid: boolean }>(
    'GET',
    `/assessments?station=weir&period=${date}`,
  );
  expect(body.valid).toBe(true);
  expect(alarm).toMatchObject({
    key: 'daily/weir/nh3n',
    basis: 'day',
    late: true,
    state: 'cleared',
    breachStart: new Date(startMs).toISOString(),
    raisedAt: new Date(startMs + DAY).toISOString(),
    target: 'II',
    severity: 'minor',
  });
  const { value, op, limit, class: reached, multiple } = alarm;
  expect(body.breaches).toEqual([
    { parameter: 'nh3n', value, op, limit, class: reached, multiple: expect.closeTo(Number(multiple), 10) },
  ]);
});
