/** Lanes as they are saved: each condition once, also read from lanes of before, which had it in every finding. */
import { expect, it } from 'vitest';
import { createWeirRig } from '#tests/helpers/alerts/rig.ts';

it('goes on with a saved lane, whichever version has saved it', async () => {
  for (const isOld of [false, true]) {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    rig.follower().checkpoint();
    const [lane] = rig.derived.prepare("SELECT body FROM alertLane WHERE body LIKE '%raised%'").all();
    const saved = JSON.parse(lane!.body as string) as { conditions: object[]; head: { episode: { finding: object } } };
    expect(saved.conditions).toHaveLength(1);
    expect(saved.head.episode.finding).toMatchObject({ condition: 0 });
    if (isOld) {
      const body = JSON.stringify(saved, (name, value: unknown) =>
        name === 'condition' ? saved.conditions[value as number] : value,
      );
      rig.derived.prepare('UPDATE alertLane SET body = ? WHERE body = ?').run(body, lane!.body as string);
    }
    await rig.restart().send({ at: 5, value: 0.1 });
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
    expect(rig.alarms()).toMatchObject([{ value: 0.8, limit: 0.5, severity: 'minor' }]);
  }
});
