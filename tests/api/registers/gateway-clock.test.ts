/** Setting the clocks of devices: an engineer's command, in the audit before it is sent. */
import { describe, expect, it } from 'vitest';
import { startApi } from '#tests/helpers/api.ts';

const URL = '/api/v1/gateways/rtu-1/clock';

async function rigWith(set: { told: string[]; away: string[] } | null, protocol = 'hj212') {
  const asked: unknown[] = [];
  const rig = await startApi({
    setClocks(gateway, address) {
      asked.push([gateway, address, rig.journal.headSeq]);
      return set;
    },
  });
  const body = { stations: ['taocha'], protocol, ...(protocol === 'hj212' && { identity: { mn: 'A1' } }) };
  await rig.call('PUT', '/api/v1/gateways/rtu-1', { as: 'admin', body });
  const before = rig.journal.headSeq;
  return {
    rig,
    asked,
    before,
    call: (body: object, as: 'engineer' | 'operator' = 'engineer') => rig.call('POST', URL, { as, body }),
  };
}

describe('POST /gateways/{id}/clock', () => {
  it('journals the command, then tells the devices', async () => {
    const { rig, asked, before, call } = await rigWith({ told: ['A1'], away: [] });
    const answer = await call({});
    expect([answer.statusCode, answer.json()]).toEqual([200, { told: ['A1'], away: [] }]);
    expect(asked).toEqual([['rtu-1', null, before + 1]]);
    const { items } = (await rig.call('GET', '/api/v1/audit', { as: 'admin' })).json() as { items: object[] };
    expect(items[0]).toMatchObject({ actor: 'a-engineer', verb: 'set-clock' });
  });

  it('tells one device that is named', async () => {
    const { asked, before, call } = await rigWith({ told: ['A1'], away: [] });
    await call({ address: 'A1' });
    expect(asked).toEqual([['rtu-1', 'A1', before + 1]]);
  });

  it.each([
    [{ told: [], away: ['A1'] }, /no device that is connected/],
    [{ told: [], away: [] }, /no device "B"/],
    [null, /No listener/],
  ])('is a conflict when none was told', async (set, why) => {
    const { call } = await rigWith(set);
    const answer = await call({ address: 'B' });
    const { code, detail } = answer.json() as Record<string, string>;
    expect([answer.statusCode, code]).toEqual([409, 'state.conflict']);
    expect(detail).toMatch(why);
  });

  it('is nothing for gateways that speak otherwise, for those that are not there, and for operators', async () => {
    const { rig, asked, before, call } = await rigWith({ told: ['A1'], away: [] }, 'json');
    expect((await call({})).json()).toMatchObject({ code: 'state.conflict' });
    expect((await call({}, 'operator')).statusCode).toBe(403);
    expect((await rig.call('POST', '/api/v1/gateways/nobody/clock', { as: 'engineer', body: {} })).statusCode).toBe(
      404,
    );
    expect([asked, rig.journal.headSeq]).toEqual([[], before]);
  });
});
