/** Pages of a database that nothing stands in any more: most go back to the disk, in small steps between other work. */
import type { Database } from '#src/sqlite.ts';

/** Pages that stay for what comes next: an hour's rows take about as many again. */
const SPARE_PAGES = 256;
const SPARE_SHARE = 0.05;
/** Pages given back in one step: a millisecond or two. */
const STEP_PAGES = 64;

/** What is laid out anew holds at most so much. */
const ANEW_MAX_BYTES = 256 << 20;

/** Gives some back. @returns whether there are more. */
export function giveBackPages(database: Database): boolean {
  if (pragma(database, 'auto_vacuum') === 0) return layOutAnew(database);
  const spare = Math.max(SPARE_PAGES, Math.floor(pragma(database, 'page_count') * SPARE_SHARE));
  const surplus = pragma(database, 'freelist_count') - spare;
  if (surplus <= 0) return false;
  database.exec(`PRAGMA incremental_vacuum(${Math.min(surplus, STEP_PAGES)})`);
  return surplus > STEP_PAGES;
}

/**
 * A file of an earlier version, once most of it is free: a second or two, once in its life. A larger one keeps its free pages,
 * and new readings go there.
 */
function layOutAnew(database: Database): boolean {
  const free = pragma(database, 'freelist_count');
  const used = pragma(database, 'page_count') - free;
  if (free < used || free < SPARE_PAGES || used * pragma(database, 'page_size') > ANEW_MAX_BYTES) return false;
  // In a file beside the others: as much memory nobody has.
  database.exec('PRAGMA temp_store=FILE; PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA temp_store=MEMORY');
  return false;
}

function pragma(database: Database, name: string): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
}
