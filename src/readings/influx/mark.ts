/**
 * How far Wellkeeper has written a bucket, and which installation it is, as a point in the bucket itself (docs/decisions/0022):
 * measurement `wk_mark`, one series, always the same point, so that nothing gathers. A bucket that was restored from an older
 * backup has the mark of then, an emptied one has none, and another installation's has that one's.
 */
import type { Installation } from '#journal/installation.ts';
import type { InfluxConfig } from '#model/config.ts';
import type { StoreMark } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import { storeError, untilShard } from './answers.ts';
import type { InfluxClient } from './client.ts';
import { linePrefix } from './lines.ts';
import { whereSeries, within } from './rows.ts';

const MARK = { measurement: 'wk_mark', station: '_wk', parameter: 'mark' } as const;
/** As early as the canary: every server holds it. */
const MARK_MS = 3_600_000;

/** Null: there is none. @throws StoreError */
export async function readMark(client: InfluxClient): Promise<StoreMark | null> {
  const [rows] = await client.query([
    `SELECT "installation", "generation", "seq" FROM "${MARK.measurement}" ` +
      `WHERE ${whereSeries(MARK)}${within(MARK_MS, MARK_MS + 1)} LIMIT 1`,
  ]);
  const { columns, values } = rows!;
  const [row] = values;
  if (!row) return null;
  const cell = (name: string) => row[columns.indexOf(name)];
  const [installation, generation, seq] = [cell('installation'), cell('generation'), cell('seq')];
  if (typeof installation !== 'string' || typeof generation !== 'number' || typeof seq !== 'number') return null;
  return { id: installation, generation, seq };
}

/** Resolves once it is durable. @throws StoreError */
export async function writeMark(client: InfluxClient, { id, generation, seq }: StoreMark): Promise<void> {
  const fields = `installation="${id}",generation=${generation},seq=${seq}`;
  try {
    await untilShard(() => client.write(`${linePrefix(MARK, MARK.measurement)} ${fields} ${MARK_MS}`));
  } catch (error) {
    throw storeError(error, `write of the mark to ${client.address}`);
  }
}

/**
 * Whether the bucket is this installation's: nobody's is, until it is marked.
 * @param own null: a new installation, to which no marked bucket belongs.
 * @throws StoreError `store.foreign`
 */
export function assertOwn(
  mark: StoreMark | null,
  own: Installation | null,
  { bucket }: InfluxConfig,
  address: string,
): void {
  if (mark === null) return;
  const isOwn = mark.id === own?.id;
  if (isOwn && mark.generation <= own!.generation) return;
  const whose = isOwn
    ? `was written by generation ${mark.generation} of this installation, a later one than this (${own!.generation})`
    : `belongs to another installation (${mark.id}${own ? `, this is ${own.id}` : ', this is a new one'})`;
  throw new StoreError('store.foreign', `bucket ${bucket} at ${address} ${whose}`, true);
}
