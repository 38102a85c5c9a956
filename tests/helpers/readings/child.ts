/**
 * A process that applies the workload to the files in the directory argv[2], from where the cursor stands through
 * entry argv[3], in batches of changing size; prints the cursor after each. The test kills it at any line.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDerived } from '#installation/derived.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { workload } from './workload.ts';

const directory = process.argv[2]!;
const throughSeq = Number(process.argv[3]);

const derived = openDerived(join(directory, 'derived.db'));
const store = new SqliteReadings(join(directory, 'readings.db'));
const follower = createReadingsFollower({
  derived,
  store,
  reader: {
    seriesByName: (station, parameter) => ({ id: Number(parameter.slice(1)), station, parameter }),
    seriesById: (id) => ({ id, station: 'taocha', parameter: `s${id}` }),
  },
  onReflagged: () => {},
});

while (follower.cursor() < throughSeq) {
  const from = follower.cursor();
  await follower.apply(workload(from, Math.min(throughSeq, from + 1 + Math.floor(Math.random() * 40))));
  writeSync(1, `${follower.cursor()}\n`);
}
await store.close();
derived.close();
