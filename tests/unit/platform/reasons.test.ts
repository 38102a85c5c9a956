import { describe, expect, it } from 'vitest';
import { createRig, left, seen } from '#tests/helpers/platform/watch-rig.ts';

describe('the reason that a broker or a store gives', () => {
  it('is told anew when it is another one, at most once a minute, also of what an earlier process left', async () => {
    const rig = createRig();
    rig.watch.standing(left('broker.unauthorized'));
    rig.watch.set('broker.unauthorized', seen());
    await rig.pass(5);
    expect(rig.journal).toEqual([]);
    rig.watch.set('broker.unauthorized', seen('bad password'));
    await rig.pass(5);
    rig.watch.set('broker.unauthorized', seen('banned'));
    await rig.pass(54);
    expect(rig.journal.map(({ state, detail }) => [state, detail])).toEqual([['begun', 'bad password']]);
    await rig.pass(2);
    expect(rig.journal.map(({ state, detail }) => [state, detail])).toEqual([
      ['begun', 'bad password'],
      ['begun', 'banned'],
    ]);
    rig.watch.set('broker.unauthorized', null);
    await rig.pass(60);
    expect(rig.told().at(-1)).toBe('ended broker.unauthorized');
    expect(rig.journal).toHaveLength(3);
  });

  it('that could not be told gives way to the newest, so that what waits can not grow', async () => {
    const rig = createRig();
    rig.isRefusing = true;
    for (let n = 0; n < 20; n++) {
      rig.watch.set('store.unauthorized', seen(`reason ${n}`));
      await rig.pass(60);
    }
    rig.isRefusing = false;
    await rig.pass(2);
    expect(rig.journal.map(({ detail }) => detail)).toEqual(['reason 19']);
  });

  it('is no measure: those change all the time and are told once', async () => {
    const rig = createRig();
    for (let n = 0; n < 100; n++) {
      rig.watch.set('journal.filling', seen(`${n} %`));
      await rig.pass(10);
    }
    expect(rig.told()).toEqual(['begun journal.filling']);
  });
});
