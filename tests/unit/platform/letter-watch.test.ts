/** One platform condition for each gateway names the device letters that nobody has explained (contracts §7). */
import { describe, expect, it } from 'vitest';
import { Control } from '#journal/registers.ts';
import type { CommandEntry, PlatformChange } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import { createLetterWatch } from '#platform/letter-watch.ts';
import { createPlatformWatch } from '#platform/watch.ts';

const T0 = Date.UTC(2026, 10, 22);
const DAY_MS = 86_400_000;

function watchRig(
  standing: { condition: 'letters.unexplained'; detail: string; about: { gateway: string; letters: string[] } }[] = [],
) {
  let nowMs = T0;
  let seq = 0;
  const journal: PlatformChange[] = [];
  const control = new Control([]);
  const put = (noun: Noun, id: string, body: object) => {
    seq += 1;
    const command: CommandEntry['command'] = { verb: 'put', noun, id, body };
    control.apply({ kind: 'command', seq, receivedMs: nowMs, actor: 'admin', command });
  };
  const gateway = (letters?: Record<string, string>) =>
    put('gateway', 'gw', { stations: ['s1', 's2'], passwordHash: '', ...(letters && { dialect: { letters } }) });
  gateway();
  for (const id of ['s1', 's2']) put('station', id, { parameters: [] });
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs - T0 };
  const log = { info: () => {}, warn: () => {} };
  const platform = createPlatformWatch({ append: async (change) => journal.push(change), clock, log });
  platform.standing(standing);
  const letters = createLetterWatch({ control, platform, clock, standing });
  return {
    letters,
    gateway,
    put,
    /** What has been told since it was last asked: state and letters. */
    async told(afterMs = 1000) {
      nowMs += afterMs;
      letters.tick();
      platform.tick();
      await new Promise(setImmediate);
      return journal.splice(0).map(({ condition, state, about }) => [condition, state, about?.gateway, about?.letters]);
    },
  };
}

describe('letters that nobody has explained', () => {
  it('are named by one condition of their gateway, anew when another comes', async () => {
    const rig = watchRig();
    expect(await rig.told()).toEqual([]);
    rig.letters.heard('gw', 's1', 'sc');
    rig.letters.heard('gw', 's1', 'sc');
    rig.letters.heard('user:chen', 's1', 'zz');
    expect(await rig.told()).toEqual([['letters.unexplained', 'begun', 'gw', ['sc']]]);
    rig.letters.heard('gw', 's2', 'HD');
    expect(await rig.told()).toEqual([['letters.unexplained', 'begun', 'gw', ['HD', 'sc']]]);
    rig.letters.heard('gw', 's2', 'sc');
    expect(await rig.told()).toEqual([]);
  });

  it('are over at once when the dialect of the gateway, or of each station, says what they all mean', async () => {
    const rig = watchRig();
    rig.letters.heard('gw', 's1', 'sc');
    rig.letters.heard('gw', 's2', 'cz');
    await rig.told();
    rig.gateway({ sc: 'maintenance' });
    expect(await rig.told()).toEqual([['letters.unexplained', 'begun', 'gw', ['cz']]]);
    rig.put('station', 's2', { parameters: [], dialect: { letters: { cz: 'fail' } } });
    expect(await rig.told()).toEqual([['letters.unexplained', 'ended', 'gw', []]]);
  });

  it('are forgotten when none has come for eight days', async () => {
    const rig = watchRig();
    rig.letters.heard('gw', 's1', 'sc');
    await rig.told();
    expect(await rig.told(7 * DAY_MS)).toEqual([]);
    rig.letters.heard('gw', 's1', 'sc');
    expect(await rig.told(7 * DAY_MS)).toEqual([]);
    expect(await rig.told(DAY_MS)).toEqual([['letters.unexplained', 'ended', 'gw', []]]);
  });

  it('are known from the journal after a restart, and end by a dialect then, too', async () => {
    const rig = watchRig([
      { condition: 'letters.unexplained', detail: 'sc', about: { gateway: 'gw', letters: ['sc'] } },
    ]);
    expect(await rig.told()).toEqual([]);
    rig.gateway({ sc: 'maintenance' });
    expect(await rig.told()).toEqual([['letters.unexplained', 'ended', 'gw', []]]);
  });

  it('are twenty of a gateway at most, whatever it sends', async () => {
    const rig = watchRig();
    for (let n = 0; n < 1000; n++) rig.letters.heard('gw', 's1', `x${n}`);
    const [[, , , names] = []] = await rig.told();
    expect(names).toHaveLength(20);
  });
});
