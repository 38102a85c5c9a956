/** `GET /alarms/figures`: what is asked of the store, and how it is answered. */
import { describe, expect, it } from 'vitest';
import type { FiguresQuery } from '#alerts/records/figures.ts';
import { NO_FIGURES, NOW_MS, startApi } from '#tests/helpers/api.ts';

const DAY = 86_400_000;
const PATH = '/api/v1/alarms/figures';

async function rigged() {
  const rig = await startApi();
  const asked: FiguresQuery[] = [];
  rig.queries.alarmFigures = async (query) => {
    asked.push(query);
    return {
      ...NO_FIGURES,
      floods: [{ fromMs: NOW_MS - 60_000, toMs: NOW_MS }],
      chattering: [{ key: 'r/taocha/ph', raises: 3, sinceMs: NOW_MS - 60_000, count: 4 }],
      stale: { count: 1, longest: [{ id: 'a', key: 'k', raisedAtMs: NOW_MS - 2 * DAY, clearedAtMs: null, hours: 48 }] },
    };
  };
  return { rig, asked };
}

describe('the figures', () => {
  it('are of the last seven days and of everything unless told', async () => {
    const { rig, asked } = await rigged();
    const answer = await rig.call('GET', PATH, { as: 'viewer' });
    expect(asked).toEqual([{ fromMs: NOW_MS - 7 * DAY, toMs: NOW_MS, stations: null, rule: null }]);
    expect(answer.json()).toMatchObject({
      from: '2026-11-15T00:00:00.000Z',
      to: '2026-11-22T00:00:00.000Z',
      floods: [{ from: '2026-11-21T23:59:00.000Z', to: '2026-11-22T00:00:00.000Z' }],
      chattering: [{ key: 'r/taocha/ph', raises: 3, since: '2026-11-21T23:59:00.000Z', count: 4 }],
      stale: { count: 1, longest: [{ id: 'a', raisedAt: '2026-11-20T00:00:00.000Z', clearedAt: null, hours: 48 }] },
    });
  });

  it.each([
    ['station=taocha&rule=r', ['taocha'], 'r'],
    ['area=nanyang', ['other', 'taocha'], null],
    ['area=nanyang&station=taocha', ['taocha'], null],
    ['area=elsewhere', [], null],
  ])('%s', async (query, stations, rule) => {
    const { rig, asked } = await rigged();
    await rig.call('GET', `${PATH}?${query}`);
    expect(asked).toMatchObject([{ stations, rule }]);
  });

  it.each([
    ['from=2025-01-01', 'range.too-long'],
    ['from=2026-11-23', 'range.invalid'],
    ['station=no%20id', 'id.invalid'],
    ['by=rule', 'request.invalid'],
  ])('%s is %s', async (query, code) => {
    const { rig } = await rigged();
    expect((await rig.call('GET', `${PATH}?${query}`)).json().code).toBe(code);
  });
});
