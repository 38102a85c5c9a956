/**
 * Tables of journal.db. Append only: a released migration is never edited.
 *
 * `batch` holds every entry until it is pruned, a run of seq without holes (docs/decisions/0023). What is never pruned stands
 * beside it: each command again in `command` (the audit), each register version in `control`, and `quarantine`
 * within limits of its own.
 */
import { installationDdl } from './installation.ts';
import { qcResultsDdl } from './qc-results.ts';

const FIRST = `
  -- endBytes: running total of what entries take, this one included; the difference of two is what lies between.
  -- raw stands last so that reading a body never walks through a payload's overflow pages.
  CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    receivedMs INTEGER NOT NULL,
    endBytes INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT,
    body TEXT,
    raw BLOB
  ) STRICT;

  CREATE TABLE command (
    seq INTEGER PRIMARY KEY,
    receivedMs INTEGER NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;

  -- body NULL = deleted.
  CREATE TABLE control (
    noun TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    atMs INTEGER NOT NULL,
    actor TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (noun, id, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    station TEXT NOT NULL,
    parameter TEXT NOT NULL,
    UNIQUE (station, parameter)
  ) STRICT;

  -- payload NULL = an empty one (an empty buffer is bound as NULL).
  CREATE TABLE quarantine (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    atMs INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    path TEXT,
    contentType TEXT NOT NULL,
    source TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    payload BLOB
  ) STRICT;

  -- One row: what quarantine holds, and how many items its limits have pushed out since ever.
  CREATE TABLE quarantine_size (items INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL) STRICT;
  INSERT INTO quarantine_size VALUES (0, 0, 0);

  CREATE TABLE intake (
    source TEXT PRIMARY KEY,
    received INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    sinceMs INTEGER NOT NULL,
    lastSeenMs INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Which quarantined items somebody has put through the door again. */
const REPLAYED = `
  CREATE INDEX commandReplay ON command (json_extract(body, '$.quarantineId'))
    WHERE json_extract(body, '$.verb') = 'replay-quarantine';
`;

/**
 * Items that stand for several values, and room by sender (`party`: src/journal/parties.ts). Items of before were all one value;
 * whose they are is what `partyOf` says of them now.
 */
const SHARES = `
  ALTER TABLE quarantine ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE quarantine ADD COLUMN party TEXT NOT NULL DEFAULT '';
  UPDATE quarantine SET party = CASE
    WHEN source LIKE 'import:%' THEN 'import:'
    WHEN source LIKE 'user:%' THEN source
    WHEN (SELECT body FROM control WHERE noun = 'gateway' AND id = source ORDER BY seq DESC LIMIT 1) IS NOT NULL THEN source
    ELSE 'unregistered:' END;
  CREATE INDEX quarantineParty ON quarantine (party, position);
  CREATE TABLE quarantine_party (party TEXT PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO quarantine_party SELECT party, count(*), sum(bytes) FROM quarantine GROUP BY party;
`;

/**
 * What a comparison of the files at start has found to be gone (fit-files.ts), never pruned. Of `journal.lost` the
 * journal goes on above `lastSeq`, and no earlier than `toMs`. `told`: its platform alarm is journaled.
 */
const LOSS = `
  CREATE TABLE loss (
    id INTEGER PRIMARY KEY,
    atMs INTEGER NOT NULL,
    condition TEXT NOT NULL,
    firstSeq INTEGER NOT NULL,
    lastSeq INTEGER NOT NULL,
    toMs INTEGER NOT NULL,
    detail TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0
  ) STRICT;
`;

/** Gateways' own numbering (numbering.ts): the highest number in the intake row, what is missing in `body` (JSON). */
const NUMBERING = `
  ALTER TABLE intake ADD COLUMN lastNumber INTEGER;
  CREATE TABLE numbering (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * The chain of group commits, and the end of what was pruned of it, from where it is checked. What `entry` holds is converted
 * step by step (convert.ts), which then drops it. `endBytes`: running total of what batches take, this one included; it
 * is the file's own and in no hash. The body stands last, so that the others are read without walking through its pages.
 */
const BATCHES = `
  CREATE TABLE batch (
    firstSeq INTEGER PRIMARY KEY,
    lastSeq INTEGER NOT NULL,
    format INTEGER NOT NULL,
    installation BLOB NOT NULL,
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    received INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    endBytes INTEGER NOT NULL,
    prevHash BLOB NOT NULL,
    hash BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE pruned (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    lastSeq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    endBytes INTEGER NOT NULL
  ) STRICT;
`;

/** Quarantine is asked by sender, code and time; and which items somebody has thrown away. */
const FILTERS = `
  CREATE INDEX quarantineSource ON quarantine (source, position);
  CREATE INDEX quarantineCode ON quarantine (code, position);
  CREATE INDEX quarantineTime ON quarantine (atMs, position);
  CREATE INDEX commandDismissal ON command (json_extract(body, '$.quarantineId'))
    WHERE json_extract(body, '$.verb') = 'dismiss-quarantine';
`;

export const journalMigrations: readonly string[] = [
  FIRST,
  REPLAYED,
  SHARES,
  installationDdl + LOSS,
  NUMBERING,
  BATCHES,
  FILTERS,
  qcResultsDdl,
  // From here on messages stand in columns, and batches may be packed, which an older program would take for damage.
  "SELECT 'columns'",
];
