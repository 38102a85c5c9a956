/** What a gateway's numbers left out, and closing it: who may, what is kept of it, and that doing it twice changes nothing. */
import { describe, expect, it } from 'vitest';
import { type ApiRig, GATEWAY, startApi } from '#tests/helpers/api.ts';

const URL = `/api/v1/gateways/${GATEWAY.id}`;
const BODY = { through: 6, reason: 'The cabinet was without power' };

async function send(rig: ApiRig, ...numbers: number[]): Promise<void> {
  for (const seq of numbers) {
    rig.clock.advance(60_000);
    const samples = [{ station: 'taocha', time: rig.clock.nowMs(), values: { ph: 7 + (seq % 10) / 10 } }];
    await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: { seq, samples } });
  }
}

const close = (rig: ApiRig, body: unknown = BODY, as: 'viewer' | 'operator' | 'engineer' | 'gateway' = 'engineer') =>
  rig.call('POST', `${URL}/sequence/close`, { as, body });
const sequence = async (rig: ApiRig) => (await rig.call('GET', URL, { as: 'viewer' })).json().sequence;
const closings = async (rig: ApiRig) => {
  const { items } = (await rig.call('GET', '/api/v1/audit')).json() as { items: { verb: string }[] };
  return items.filter(({ verb }) => verb === 'close-sequence');
};

describe('POST /gateways/{id}/sequence/close', () => {
  it('declares lost what is missing up to a number; the audit says who and why', async () => {
    const rig = await startApi();
    await send(rig, 1, 4, 9);
    expect(await sequence(rig)).toEqual({
      missing: 6,
      last: 9,
      holes: [
        { from: 2, to: 3, count: 2, since: '2026-11-22T00:02:00.000Z' },
        { from: 5, to: 8, count: 4, since: '2026-11-22T00:03:00.000Z' },
      ],
      lost: { count: 0, items: [] },
    });
    const answer = await close(rig);
    const kept = { at: '2026-11-22T00:03:00.000Z', by: 'a-engineer', reason: BODY.reason };
    const after = {
      missing: 2,
      last: 9,
      holes: [{ from: 7, to: 8, count: 2, since: '2026-11-22T00:03:00.000Z' }],
      lost: {
        count: 4,
        items: [
          { from: 2, to: 3, count: 2, ...kept },
          { from: 5, to: 6, count: 2, ...kept },
        ],
      },
    };
    expect([answer.statusCode, answer.json()]).toEqual([200, { closed: 4, sequence: after }]);
    expect(await sequence(rig)).toEqual(after);
    expect(await closings(rig)).toMatchObject([
      { actor: 'a-engineer', command: { verb: 'close-sequence', gateway: GATEWAY.id, ...BODY } },
    ]);
    // One that comes after all is lost no more.
    await send(rig, 6);
    expect((await sequence(rig)).lost).toMatchObject({ count: 3 });
  });

  it('changes nothing the second time, and where nothing is missing', async () => {
    const rig = await startApi();
    expect((await close(rig)).json()).toMatchObject({ closed: 0, sequence: { missing: 0, last: null } });
    await send(rig, 1, 4);
    expect((await close(rig)).json()).toMatchObject({ closed: 2 });
    const once = await sequence(rig);
    expect((await close(rig)).json()).toEqual({ closed: 0, sequence: once });
    expect(await closings(rig)).toHaveLength(1);
  });

  it('takes an engineer, a gateway that is there, a number and a reason', async () => {
    const rig = await startApi();
    await send(rig, 1, 4);
    for (const who of ['viewer', 'operator', 'gateway'] as const)
      expect((await close(rig, BODY, who)).statusCode).toBe(403);
    const nobody = await rig.call('POST', '/api/v1/gateways/nobody/sequence/close', { as: 'engineer', body: BODY });
    expect([nobody.statusCode, nobody.json().code]).toEqual([404, 'not-found']);
    for (const body of [
      {},
      { through: 3 },
      { reason: 'x' },
      { through: -1, reason: 'x' },
      { through: 1.5, reason: 'x' },
    ])
      expect((await close(rig, body)).statusCode).toBe(400);
    expect((await close(rig, { through: 3, reason: '  ' })).statusCode).toBe(400);
    expect(await sequence(rig)).toMatchObject({ missing: 2 });
    // Whoever is registered anew under the name begins anew.
    await rig.call('DELETE', URL);
    expect((await close(rig)).statusCode).toBe(404);
    await rig.call('PUT', URL, { body: { stations: ['taocha'] } });
    expect(await sequence(rig)).toEqual({ missing: 0, last: null, holes: [], lost: { count: 0, items: [] } });
  });
});

describe('GET /gateways', () => {
  it('shows the newest eight holes of each and counts the rest; one gateway shows 64', async () => {
    const rig = await startApi();
    await send(rig, ...Array.from({ length: 68 }, (_, index) => index * 2 + 1));
    const { items } = (await rig.call('GET', '/api/v1/gateways', { as: 'viewer' })).json();
    expect(items[0].sequence).toMatchObject({ missing: 67, last: 135, merged: { count: 3 }, lost: { count: 0 } });
    expect(items[0].sequence.holes.map(({ from }: { from: number }) => from)).toEqual(
      Array.from({ length: 8 }, (_, index) => 120 + index * 2),
    );
    expect((await sequence(rig)).holes).toHaveLength(64);
  });

  it('says which holes an earlier counter left', async () => {
    const rig = await startApi();
    await send(rig, 1, 2, 4, 1, 2, 5);
    expect((await sequence(rig)).holes).toMatchObject([
      { from: 3, to: 3, earlier: true },
      { from: 3, to: 4, count: 2 },
    ]);
    expect((await close(rig, { through: 0, reason: 'gone' })).json()).toMatchObject({
      closed: 1,
      sequence: { missing: 2 },
    });
  });
});
