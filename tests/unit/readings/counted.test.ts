/** When the `readings` follower counts a value: once the store has confirmed what its entry brought, whatever dies when. */
import { describe, expect, it } from 'vitest';
import { countedDdl } from '#readings/settling/tables.ts';
import { FAULTS, journaled, message, readingsRig } from '#tests/helpers/readings/rig.ts';

const unsettled = { verdict: 'unsettled' } as const;

describe('the counts of a source', () => {
  it.each(FAULTS)('counts nothing as stored that the store has not confirmed: dying at "%s"', async (fault) => {
    const rig = readingsRig();
    // The case: two values received while the store is away.
    const two = message(1, [journaled(1, 0, 7.5), journaled(2, 0, 0.1, unsettled)]);
    for (let tries = 0; tries < 2; tries++) {
      expect(await rig.applyFailing([two], fault)).toBe(true);
      expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 0, duplicate: 0 });
      rig.restart();
    }
    await rig.apply([two]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 2, duplicate: 0 });
    await rig.close();
  });

  it('neither loses nor repeats what an earlier program counted when it settled', async () => {
    const rig = readingsRig();
    await rig.apply([message(1, [journaled(1, 0, 1)])]);
    const [two, three] = [
      message(2, [journaled(1, 5, 2), journaled(1, 0, 1, unsettled)]),
      message(3, [journaled(1, 9, 2)]),
    ];
    await rig.applyFailing([two, three], 'before-write');
    // As that program left it: settled and counted, not yet written.
    const set = rig.derived.prepare('UPDATE source SET stored = stored + ?, duplicate = duplicate + ?');
    set.run(2, 1);
    rig.derived.exec(countedDdl);
    rig.restart();
    await rig.apply([two]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 3, duplicate: 1 });
    rig.follower().skip(three);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 2, duplicate: 1 });
    await rig.apply([message(4, [journaled(1, 20, 8)])]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 3, duplicate: 1 });
    await rig.close();
  });
});
