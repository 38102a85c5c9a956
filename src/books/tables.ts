/**
 * Tables of derived.db that belong to the books: statistics per UTC hour, and per local day in one zone. `throughSeq` =
 * what the reading store was known to hold when the hour was computed; `reflag` = final flags that the store has still
 * to be given. An hour without a row, closed and not dirty, has no readings.
 */
export const booksDdl = `
  CREATE TABLE bookState (id INTEGER PRIMARY KEY CHECK (id = 1), clockMs INTEGER NOT NULL, dayZone TEXT) STRICT;
  INSERT INTO bookState (id, clockMs, dayZone) VALUES (1, 0, NULL);
  CREATE TABLE hourStat (series INTEGER NOT NULL, hourMs INTEGER NOT NULL, count INTEGER NOT NULL,
    valid INTEGER NOT NULL, sum REAL NOT NULL, min REAL, max REAL, throughSeq INTEGER NOT NULL,
    PRIMARY KEY (series, hourMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE dayStat (series INTEGER NOT NULL, dayMs INTEGER NOT NULL, count INTEGER NOT NULL,
    valid INTEGER NOT NULL, sum REAL NOT NULL, min REAL, max REAL,
    PRIMARY KEY (series, dayMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE reflag (series INTEGER NOT NULL, timeMs INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL,
    deviceFlag TEXT, throughSeq INTEGER NOT NULL, PRIMARY KEY (series, timeMs)) STRICT, WITHOUT ROWID;
  CREATE INDEX dirtyHourBySeries ON dirtyHour (series, hourMs);
`;
