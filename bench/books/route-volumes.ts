/** The whole route as its books are after twelve years: 150 meters of four recipients, hour by hour. For benchmarks. */
import { HOUR_MS } from '#model/calendar.ts';
import type { Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';

const METERS = 150;
const FROM_MS = Date.UTC(2014, 11, 1);
export const TO_MS = Date.UTC(2026, 11, 1);
export const RECIPIENTS = ['beijing', 'tianjin', 'hebei', 'henan'];
export const REGISTER = { id: 'register', unit: 'm3', units: {} } as unknown as Parameter;

export const meterOf = (index: number): Meter => ({
  station: `s${index}`,
  parameter: 'register',
  kind: 'register',
  unit: 'm3',
  direction: 1,
  maxFlow: 60,
  maxGap: 'PT2H',
  measures: 'delivery',
  recipient: RECIPIENTS[index % RECIPIENTS.length],
});
export const meters = Array.from({ length: METERS }, (_, index) => ({ id: `m${index}`, meter: meterOf(index) }));

/** As the books would have left them: 15.8 million hours, and the running totals of their days. */
export function fillHours(derived: Database): void {
  derived.exec('PRAGMA synchronous=OFF');
  derived
    .prepare(
      `CREATE TEMP TABLE clock AS WITH RECURSIVE hour (ms) AS
         (VALUES (${FROM_MS}) UNION ALL SELECT ms + ${HOUR_MS} FROM hour WHERE ms + ${HOUR_MS} < ${TO_MS}) SELECT ms FROM hour`,
    )
    .run();
  const fill = derived.prepare(
    `INSERT INTO volumeHour (meter, hourMs, measuredLitres, estimatedLitres, knownMs) SELECT ?, ms, 3600000 + ms / 3600000 % 977, ms / 3600000 % 500 / 499 * 1000, ${HOUR_MS} FROM clock`,
  );
  for (const { id } of meters.toSorted((a, b) => (a.id < b.id ? -1 : 1))) fill.run(id);
  derived.exec(`INSERT INTO volumeDay (meter, dayMs, measuredLitres, estimatedLitres, knownMs) SELECT meter, dayMs, sum(m) OVER running, sum(e) OVER running, sum(k) OVER running
    FROM (SELECT meter, hourMs - hourMs % 86400000 AS dayMs, sum(measuredLitres) m, sum(estimatedLitres) e, sum(knownMs) k
      FROM volumeHour GROUP BY 1, 2) WINDOW running AS (PARTITION BY meter ORDER BY dayMs)`);
  derived.exec('PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)');
}
