/**
 * Volumes in derived.db: hourly integer litres per meter, month sums of the same so that a running total is a few
 * rows, and the time ranges that are still to be rebuilt.
 */
export const volumeDdl = `
  CREATE TABLE volumeHour (meter TEXT NOT NULL, hourMs INTEGER NOT NULL, measuredLitres INTEGER NOT NULL,
    estimatedLitres INTEGER NOT NULL, knownMs INTEGER NOT NULL, PRIMARY KEY (meter, hourMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE volumeMonth (meter TEXT NOT NULL, monthMs INTEGER NOT NULL, measuredLitres INTEGER NOT NULL,
    estimatedLitres INTEGER NOT NULL, knownMs INTEGER NOT NULL, PRIMARY KEY (meter, monthMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE volumeDirty (id INTEGER PRIMARY KEY, meter TEXT NOT NULL, fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL) STRICT;
  CREATE INDEX volumeDirtyMeter ON volumeDirty (meter);
`;

/**
 * `volumeDay`: the running total of each meter at the end of a UTC day, whatever came before: any instant is then one row
 * and the hours of its day. It takes the place of the month sums.
 * `volumeDecision`: what was decided about single reads.
 */
export const volumeTotalsDdl = `
  CREATE TABLE volumeDay (meter TEXT NOT NULL, dayMs INTEGER NOT NULL, measuredLitres INTEGER NOT NULL,
    estimatedLitres INTEGER NOT NULL, knownMs INTEGER NOT NULL, PRIMARY KEY (meter, dayMs)) STRICT, WITHOUT ROWID;
  DROP TABLE volumeMonth;
  CREATE TABLE volumeDecision (meter TEXT NOT NULL, timeMs INTEGER NOT NULL, kind TEXT NOT NULL, fromMs INTEGER,
    before REAL, after REAL, litres INTEGER, reason TEXT NOT NULL, isRuled INTEGER NOT NULL,
    PRIMARY KEY (meter, timeMs, kind)) STRICT, WITHOUT ROWID;
  CREATE INDEX volumeDecisionTime ON volumeDecision (timeMs);
  INSERT INTO volumeDay SELECT meter, dayMs, sum(m) OVER running, sum(e) OVER running, sum(k) OVER running FROM
    (SELECT meter, hourMs - hourMs % 86400000 AS dayMs, sum(measuredLitres) m, sum(estimatedLitres) e, sum(knownMs) k
     FROM volumeHour GROUP BY 1, 2)
    WINDOW running AS (PARTITION BY meter ORDER BY dayMs);
  INSERT INTO volumeDirty (meter, fromMs, toMs) SELECT DISTINCT meter, -8640000000000000, 8640000000000000 FROM volumeHour;
`;

/**
 * `knots` of an hour in which the meter begins, ends or is handed over: JSON `[[elapsedMs, measuredLitres, estimatedLitres,
 * knownMs], …]`, what had run by then; null for all others. What an older program has counted gets them when it is
 * counted anew (`recount.ts`).
 */
export const volumeKnotsDdl = `
  ALTER TABLE volumeHour ADD COLUMN knots TEXT;
`;
