/** Quarantine as engineers work with it: by sender, code and time, again through the door, or thrown away. */
import { describe, expect, it } from 'vitest';
import { type ApiRig, startApi, type Who } from '#tests/helpers/api.ts';

const GET = '/api/v1/quarantine';
const names = ['phh', 'doo', 'nh3'];

async function sendUnknown(rig: ApiRig, as: Who, name: string, minute = 0): Promise<void> {
  const time = `2026-11-22T08:${String(minute).padStart(2, '0')}:00+08:00`;
  await rig.call('POST', '/api/v1/readings', { as, body: { station: 'taocha', time, values: { [name]: 1 } } });
}

async function codesOf(rig: ApiRig, query: string): Promise<[string, string][]> {
  const answer = (await rig.call('GET', `${GET}${query}`, { as: 'engineer' })).json();
  return answer.items.map(({ gateway, code }: { gateway: string; code: string }) => [gateway, code]);
}

describe('the list', () => {
  it('is of one gateway, with one code, of a range, and all of them together', async () => {
    const rig = await startApi();
    for (const name of names) await sendUnknown(rig, 'gateway', name);
    await sendUnknown(rig, 'engineer', 'phh');
    const later = rig.clock.nowMs() + 60_000;
    rig.clock.advance(60_000);
    await rig.call('POST', '/api/v1/readings', {
      as: 'gateway',
      body: 'nonsense',
      headers: { 'content-type': 'application/json' },
    });
    const gateway = (await codesOf(rig, ''))[0]![0];

    expect(await codesOf(rig, `?gateway=${gateway}`)).toHaveLength(4);
    expect(await codesOf(rig, `?gateway=${gateway}&code=message.malformed`)).toEqual([[gateway, 'message.malformed']]);
    expect(await codesOf(rig, '?code=parameter.unknown')).toHaveLength(4);
    expect(await codesOf(rig, '?gateway=user:a-engineer')).toEqual([['user:a-engineer', 'parameter.unknown']]);
    expect(await codesOf(rig, `?from=${later}`)).toHaveLength(1);
    expect(await codesOf(rig, `?to=${later}`)).toHaveLength(4);
    expect(await codesOf(rig, `?from=${later + 1}`)).toHaveLength(0);
    expect(await codesOf(rig, '?gateway=nobody')).toEqual([]);

    const first = (await rig.call('GET', `${GET}?gateway=${gateway}&limit=3`)).json();
    expect(first.items).toHaveLength(3);
    expect(await codesOf(rig, `?gateway=${gateway}&limit=3&cursor=${first.next}`)).toHaveLength(1);
  });

  it('refuses codes that there are not, and ranges that are none', async () => {
    const rig = await startApi();
    expect((await rig.call('GET', `${GET}?code=anything`)).statusCode).toBe(400);
    const range = await rig.call('GET', `${GET}?from=2026-11-23&to=2026-11-22`);
    expect([range.statusCode, range.json().code]).toEqual([400, 'range.invalid']);
  });

  it('says of an item for how many values it stands', async () => {
    const rig = await startApi();
    const values = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`unheard${index}`, index]));
    const body = { station: 'taocha', time: '2026-11-22T08:00:00+08:00', values };
    await rig.call('POST', '/api/v1/readings', { body });
    const { items } = (await rig.call('GET', `${GET}?limit=1`)).json();
    expect(items[0].count).toBe(51);
  });
});

describe('thrown away', () => {
  it('is gone, stands in the audit, and stays counted', async () => {
    const rig = await startApi();
    await sendUnknown(rig, 'engineer', 'phh');
    const [item] = rig.reader.quarantine.list(null, 1);
    const path = `${GET}/${item!.id}`;
    expect((await rig.call('DELETE', path, { as: 'operator' })).statusCode).toBe(403);
    const answer = await rig.call('DELETE', `${path}?reason=A%20probe%20that%20was%20sold`, { as: 'engineer' });
    expect([answer.statusCode, answer.json().seq]).toEqual([202, rig.journal.headSeq]);
    expect((await rig.call('DELETE', path, { as: 'engineer' })).statusCode).toBe(404);
    expect(rig.reader.quarantine.size()).toMatchObject({ items: 0, bytes: 0, dropped: 0 });
    expect(rig.reader.intakeCount('user:a-engineer')).toMatchObject({ received: 1, quarantined: 1 });
    const { items } = (await rig.call('GET', '/api/v1/audit?limit=1')).json();
    expect(items[0]).toMatchObject({
      actor: 'a-engineer',
      command: { verb: 'dismiss-quarantine', quarantineId: item!.id, reason: 'A probe that was sold' },
    });
  });
});

describe('a bulk replay', () => {
  it('takes what has become right, the oldest first, and goes on at its cursor', async () => {
    const rig = await startApi();
    const send = (minute: number, ph: number) =>
      rig.call('POST', '/api/v1/readings', {
        as: 'engineer',
        body: { station: 'new', time: `2026-11-22T08:0${minute}:00+08:00`, values: { ph } },
      });
    // Two values for one time: the later one counts.
    for (const [minute, ph] of [
      [0, 7.1],
      [0, 7.2],
      [1, 7.3],
    ] as const)
      await send(minute, ph);
    await sendUnknown(rig, 'engineer', 'phh');
    const none = (await rig.call('POST', `${GET}/replay?code=station.unknown`, { as: 'engineer' })).json();
    expect(none).toMatchObject({ replayed: 0, left: 3, next: null });

    const { id: _id, ...station } = (await rig.call('GET', '/api/v1/stations/taocha')).json();
    await rig.call('PUT', '/api/v1/stations/new', { body: station });
    const path = `${GET}/replay?gateway=user:a-engineer&code=station.unknown&limit=2`;
    const first = (await rig.call('POST', path, { as: 'engineer' })).json();
    expect(first).toMatchObject({ replayed: 2, left: 0, accepted: 1, corrections: 1, next: expect.any(String) });
    const second = (await rig.call('POST', `${path}&cursor=${first.next}`, { as: 'engineer' })).json();
    expect(second).toMatchObject({ replayed: 1, left: 0, accepted: 1, next: null });
    expect(await codesOf(rig, '')).toEqual([['user:a-engineer', 'parameter.unknown']]);
    const series = rig.reader.seriesByName('new', 'ph')!;
    expect(rig.deps.door.latest(series.id)?.value).toBe(7.3);
    expect((await rig.call('POST', `${GET}/replay?limit=1001`, { as: 'engineer' })).statusCode).toBe(400);
  });
});
