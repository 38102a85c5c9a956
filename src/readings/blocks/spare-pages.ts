/** Pages of readings.db in which nothing stands any more: most go back to the disk, in small steps between other work. */
import { statfsSync } from 'node:fs';
import type { Database } from '#src/sqlite.ts';

/** Pages that stay for what comes next: an hour's rows take about as many again. */
const SPARE_PAGES = 256;
const SPARE_SHARE = 0.05;
/** Pages given back in one step: a millisecond or two. */
const STEP_PAGES = 64;

/** What is laid out anew holds at most so much: some seconds. */
const ANEW_MAX_BYTES = 256 << 20;
/** The disk has so many times as much free: a copy, the log, and something to spare. */
const ANEW_FREE = 4;

/** Of the one thread that writes the file. */
export class SparePages {
  readonly #database: Database;
  readonly #path: string;
  #mayLayOut = true;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** Gives some back. @returns whether there are more. */
  giveBack(): boolean {
    if (this.#pragma('auto_vacuum') === 0) return this.#layOutAnew();
    const spare = Math.max(SPARE_PAGES, Math.floor(this.#pragma('page_count') * SPARE_SHARE));
    const surplus = this.#pragma('freelist_count') - spare;
    if (surplus <= 0) return false;
    this.#database.exec(`PRAGMA incremental_vacuum(${Math.min(surplus, STEP_PAGES)})`);
    return surplus > STEP_PAGES;
  }

  /**
   * A file of an earlier version can't give back single pages: it is laid out anew, once in its life, when most of it is free.
   * A larger one keeps its free pages, and new readings go there. What goes wrong isn't tried again before the next start.
   */
  #layOutAnew(): boolean {
    const free = this.#pragma('freelist_count');
    const used = this.#pragma('page_count') - free;
    const bytes = used * this.#pragma('page_size');
    if (!this.#mayLayOut || free < used || free < SPARE_PAGES || bytes > ANEW_MAX_BYTES) return false;
    const { bavail, bsize } = statfsSync(this.#path);
    if (bavail * bsize < ANEW_FREE * bytes) return false;
    this.#mayLayOut = false;
    // The copy goes to a file: as much memory nobody has.
    this.#database.exec('PRAGMA temp_store=FILE; PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA temp_store=MEMORY');
    return false;
  }

  #pragma(name: string): number {
    return (this.#database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
  }
}
