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
