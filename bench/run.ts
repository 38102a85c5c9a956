/**
 * `npm run bench [-- NAME…]`: runs the named benchmarks, or all of them, and prints a line of JSON for each figure.
 * `npm run bench -- compare REVISION [NAME…]` runs those of another revision, too, and prints ratios.
 * Nothing here is a test: no figure fails anything. It ends with 1 when a benchmark could not be run.
 */
import { run as alarmFigures } from './alerts/alarm-figures.ts';
import { run as alerts } from './alerts/alerts.ts';
import { run as rehearsal } from './alerts/rehearsal.ts';
import { run as query } from './api/query.ts';
import { run as queryInflux } from './api/query-influx.ts';
import { run as reports } from './api/reports.ts';
import { run as assess } from './assess/assess.ts';
import { run as trendTests } from './assess/trend-tests.ts';
import { run as books } from './books/books.ts';
import { run as volumes } from './books/volumes.ts';
import { compare } from './compare/compare.ts';
import { run as gate } from './ingest/gate.ts';
import { run as protocols } from './ingest/protocols.ts';
import { run as journal } from './journal/journal.ts';
import { run as quality } from './quality/quality.ts';
import { run as coldHours } from './readings/cold-hours.ts';
import { run as readings } from './readings/readings.ts';
import { run as capacity } from './service/capacity.ts';
import { run as external } from './service/external.ts';
import { run as idle } from './service/idle.ts';
import { run as ingest } from './service/ingest.ts';
import { run as latency } from './service/latency.ts';
import { run as rebuild } from './service/rebuild.ts';
import { run as scale } from './service/scale.ts';
import { run as start } from './service/start.ts';
import { run as startLarge } from './service/start-large.ts';
import { run as tcp } from './service/tcp.ts';
import type { Figure } from './shared/figure.ts';
import { run as telegraf } from './telegraf/telegraf.ts';
import { run as dashboard } from './web/dashboard.ts';

/** The whole service first, then its parts alone. */
const BENCHES: Record<string, () => Promise<Figure[]>> = {
  ingest,
  external,
  telegraf,
  latency,
  query: async () => [...(await query()), ...(await queryInflux())],
  start,
  'start-large': startLarge,
  rebuild,
  idle,
  tcp,
  scale,
  journal,
  gate,
  protocols,
  quality,
  readings,
  'cold-hours': coldHours,
  alerts,
  rehearsal,
  'alarm-figures': alarmFigures,
  books,
  volumes,
  reports,
  assess,
  'trend-tests': trendTests,
  capacity,
  dashboard,
};

/** A line of JSON for each figure; what can't be run is told and the others go on. */
async function runNamed(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    console.error(`No such benchmark: ${unknown.join(', ')}. There are ${Object.keys(BENCHES).join(', ')}.`);
    return 1;
  }
  let code = 0;
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    try {
      for (const figure of await BENCHES[name]!()) console.log(JSON.stringify({ bench: name, ...figure }));
    } catch (error) {
      console.error(`${name} could not be run:`, error);
      code = 1;
    }
  }
  return code;
}

const [first, ...rest] = process.argv.slice(2);
process.exitCode =
  first === 'compare' ? await compare(rest, Object.keys(BENCHES)) : await runNamed(process.argv.slice(2));
