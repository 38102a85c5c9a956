/**
 * Tables of derived.db that settling fills. A reading's origin is the seq of the entry that brought it (the store
 * keeps it beside the value); `origin` says for ever who sent that entry and when, so a version needs no copy of it.
 */
export const settleDdl = `
  CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    stored INTEGER NOT NULL DEFAULT 0, duplicate INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE origin (seq INTEGER PRIMARY KEY, source INTEGER NOT NULL, receivedMs INTEGER NOT NULL) STRICT;
  CREATE TABLE version (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, timeMs INTEGER NOT NULL,
    value REAL, flag INTEGER NOT NULL, deviceFlag TEXT, originSeq INTEGER,
    cause TEXT NOT NULL CHECK (cause IN ('reading', 'command', 'quality')), by TEXT NOT NULL, reason TEXT,
    supersededAtMs INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
  CREATE INDEX versionByReading ON version (series, timeMs);
  CREATE TABLE pin (series INTEGER NOT NULL, timeMs INTEGER NOT NULL, flag INTEGER NOT NULL,
    by TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (series, timeMs)) STRICT, WITHOUT ROWID;
  CREATE TABLE dirtyHour (series INTEGER NOT NULL, hourMs INTEGER NOT NULL,
    firstSeq INTEGER NOT NULL, lastSeq INTEGER NOT NULL, PRIMARY KEY (hourMs, series)) STRICT, WITHOUT ROWID;
  CREATE TABLE unwritten (seq INTEGER NOT NULL, ordinal INTEGER NOT NULL, series INTEGER NOT NULL,
    timeMs INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL, deviceFlag TEXT,
    PRIMARY KEY (seq, ordinal)) STRICT, WITHOUT ROWID;
  CREATE TABLE seriesState (series INTEGER PRIMARY KEY, timeMs INTEGER NOT NULL,
    value REAL, flag INTEGER NOT NULL, deviceFlag TEXT) STRICT;
`;

/** Values were counted when they were settled; from now on, when the store has them: none twice, none never. */
export const countedDdl = `
  INSERT INTO cursor (follower, seq) SELECT 'counted', seq FROM cursor WHERE follower = 'settled';
`;
