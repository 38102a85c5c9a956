/** A process that packs the readings in the file argv[2], some at a time, and prints a line after each step; the test kills it at any. */
import { writeSync } from 'node:fs';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { packLimits } from '../packed.ts';

const store = new SqliteReadings(process.argv[2]!);
const packer = store.packer();
while (!packer.lookUp());
for (;;) {
  const series = packer.waiting(Number.POSITIVE_INFINITY);
  if (series.length === 0) break;
  let asked = 0;
  packer.pack(series, { ...packLimits(), isEnough: () => ++asked > 2 });
  packer.giveBack();
  writeSync(1, 'step\n');
}
await store.close();
writeSync(1, 'end\n');
