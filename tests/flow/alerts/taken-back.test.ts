import { expect, it } from 'vitest';
import { createWeirRig } from '#tests/helpers/alerts/rig.ts';

it('tells of a breach that one message finds late and takes back, in this order', async () => {
  const rig = createWeirRig();
  await rig.send({ at: 0, value: 0.1 });
  await rig.send({ at: 5, value: 0.1 });
  rig.at(130).message({ at: 0, value: 9, verdict: 'correction' }, { at: 0, value: 0.1, verdict: 'correction' });
  await rig.apply();
  expect(rig.story()).toEqual(['late-found cleared', 'withdrawn withdrawn']);
  expect(rig.notices().map(({ event }) => event)).toEqual(['late-found', 'withdrawn']);
});
