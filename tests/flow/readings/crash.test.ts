/**
 * The `readings` follower over real files, killed (SIGKILL) over and over while it works: what it leaves in the end is
 * to the bit what one undisturbed run over the model leaves. (Dying at each single step: unit/readings/follower.)
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { childLines } from '#tests/helpers/child-lines.ts';
import { readingsRig } from '#tests/helpers/readings/rig.ts';
import { WORKLOAD_SERIES, workload } from '#tests/helpers/readings/workload.ts';
import { rowsOf } from '#tests/helpers/rows.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const ENTRIES = 1800;
const KILLS_MIN = 10;
const CHILD = join(import.meta.dirname, '../../helpers/readings/child.ts');

/** All that settling has recorded, save how marks were bundled into batches. */
function records(derived: ReturnType<typeof openDerived>) {
  const rows = (sql: string) => rowsOf(derived, sql);
  return {
    counts: rows('SELECT name, stored, duplicate FROM source ORDER BY name'),
    origins: rows('SELECT seq, name, receivedMs FROM origin JOIN source ON source.id = origin.source ORDER BY seq'),
    versions: rows('SELECT * FROM version ORDER BY series, timeMs, id').map(({ id, ...version }) => version),
    pins: rows('SELECT * FROM pin ORDER BY series, timeMs'),
    dirty: rows('SELECT series, hourMs FROM dirtyHour ORDER BY series, hourMs'),
    state: rows('SELECT * FROM seriesState ORDER BY series'),
    unwritten: rows('SELECT * FROM unwritten'),
    cursors: rows("SELECT follower, seq FROM cursor WHERE follower IN ('settled', 'readings') ORDER BY follower"),
  };
}

it('settles and stores everything once, however often it is killed', async () => {
  const model = readingsRig();
  await model.apply(workload(0, ENTRIES));
  const expected = records(model.derived);
  expect(expected.versions.length).toBeGreaterThan(1000);

  const directory = tempDir();
  let kills = 0;
  for (;;) {
    const child = childLines(process.execPath, [CHILD, directory, String(ENTRIES)]);
    const lives = 1 + Math.floor(Math.random() * 5);
    let seen = 0;
    const ended = await child
      .line((line) => line === String(ENTRIES) || ++seen === lives)
      .then((line) => line === String(ENTRIES));
    // Some turns later, so that death comes at other steps than the one after printing.
    for (let turns = Math.random() * 300; turns > 0; turns--) await nextTurn();
    await child.kill();
    expect(child.stderr()).toBe('');
    if (ended) break;
    kills++;
  }
  expect(kills).toBeGreaterThanOrEqual(KILLS_MIN);

  const derived = openDerived(join(directory, 'derived.db'));
  const store = new SqliteReadings(join(directory, 'readings.db'));
  expect(records(derived)).toEqual(expected);
  for (let series = 0; series < WORKLOAD_SERIES; series++) {
    const range = [series, 0, Number.MAX_SAFE_INTEGER, 1e6] as const;
    expect(await store.traced(...range)).toEqual(await model.store.traced(...range));
  }
  derived.close();
  await store.close();
  await model.close();
});
