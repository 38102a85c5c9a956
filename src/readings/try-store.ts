/** Tries the reading store out before anything starts: what a start is refused for is said here. */
import type { Logger } from 'pino';
import { installationIn } from '#journal/installation.ts';
import type { Config } from '#model/config.ts';
import { StoreError } from '#src/sqlite.ts';
import { openReadingStore } from './open-store.ts';
import type { StoreCapabilities, StoreTrouble } from './store.ts';

/** How long the start waits for InfluxDB: for an answer, and until it shows what it was given. */
const START_TIMEOUTS = { writeMs: 3000, queryMs: 3000, seenMs: 10_000 };

/** What a start is refused for: whatever else is wrong with InfluxDB is for the platform alarms, since the service does its duty without it. */
const REFUSED: Partial<Record<StoreTrouble['condition'], string>> = {
  'store.retention': 'give it infinite retention, or accept the loss with WK_INFLUX_RETENTION_OK=1',
  'store.foreign':
    'name a bucket of its own in WK_INFLUX_BUCKET, or hand this one over by dropping its measurement wk_mark (docs/operations.md)',
  'store.unfit': 'docs/deployment.md says which servers hold readings, and how',
};

/** What is known of the store's powers: found at the start, and told anew by whoever uses it. */
export interface KnownStore {
  /** Through which entry of this generation it said at the start that it was written; 0: it didn't say. */
  markedSeq: number;
  /** The earliest time that it can hold; null: any, or nobody knows. */
  earliestMs(): number | null;
  /** @param capabilities null: nobody knows at the moment. */
  measured(capabilities: StoreCapabilities | null): void;
}

/**
 * Tries InfluxDB out before anything starts. One that is away is tried when it comes.
 * @throws StoreError `config.invalid` when it can't be trusted, or isn't ours.
 */
export async function tryStore(config: Config, log: Logger): Promise<KnownStore> {
  const { capabilities, markedSeq } = await triedOut(config, log);
  let known = capabilities;
  return {
    markedSeq,
    earliestMs: () => known?.earliestMs ?? null,
    measured(capabilities) {
      // Of a server that is away what it was before holds: it is mostly the same one that comes back.
      known = capabilities ?? known;
    },
  };
}

async function triedOut(
  config: Config,
  log: Logger,
): Promise<{ capabilities: StoreCapabilities | null; markedSeq: number }> {
  if (!config.influx) return { capabilities: null, markedSeq: 0 };
  const owner = installationIn(config.dataDir);
  const store = openReadingStore(config, () => undefined, { timeouts: START_TIMEOUTS, owner });
  try {
    const trouble = await store.check!();
    const remedy = trouble && REFUSED[trouble.condition];
    if (remedy) throw new StoreError('config.invalid', `${trouble.detail}: ${remedy}`, false);
    if (trouble) log.warn({ event: 'store.trouble', ...trouble }, 'InfluxDB can not be used yet');
    const mark = store.mark!()?.found;
    const isOfToday = mark?.generation === owner?.generation;
    return { capabilities: store.capabilities!(), markedSeq: (isOfToday && mark?.seq) || 0 };
  } finally {
    await store.close();
  }
}
