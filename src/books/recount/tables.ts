/**
 * Tables of derived.db for books that an older program has counted. `bookState.rules`: the rules that all of them are known
 * to be counted by. While others are at work, `recount` says which and how much, and `recountPart` what is left of it, in the
 * order of its working off: the hours of a series, or of a meter, from `nextMs` on. `recountedBook` = rows for `changedBook`
 * that wait for the end of it. New files are by the rules of the program that makes them. `reflag.recounted`: the flag is not to be told to alarms.
 */
import { COUNTING_RULES, FIRST_RULES } from '#model/counting-rules.ts';

export const recountDdl = `
  ALTER TABLE bookState ADD COLUMN rules INTEGER NOT NULL DEFAULT ${FIRST_RULES};
  UPDATE bookState SET rules = ${COUNTING_RULES} WHERE clockMs = 0;
  ALTER TABLE reflag ADD COLUMN recounted INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE recount (id INTEGER PRIMARY KEY CHECK (id = 1), fromRules INTEGER NOT NULL, toRules INTEGER NOT NULL,
    total INTEGER NOT NULL, done INTEGER NOT NULL, frozen INTEGER NOT NULL, leftOut INTEGER NOT NULL,
    notes TEXT NOT NULL) STRICT;
  CREATE TABLE recountPart (n INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('series', 'meter')),
    subject TEXT NOT NULL, nextMs INTEGER NOT NULL, UNIQUE (kind, subject)) STRICT;
  CREATE TABLE recountedBook (n INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, kind TEXT NOT NULL,
    subject TEXT NOT NULL, slotMs INTEGER NOT NULL, fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL,
    clockMs INTEGER NOT NULL, arrived INTEGER NOT NULL, imported INTEGER NOT NULL, times INTEGER NOT NULL,
    UNIQUE (rule, kind, subject, slotMs)) STRICT;
`;
