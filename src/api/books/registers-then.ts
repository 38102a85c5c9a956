/** The registers that volumes are accounted by, as they were at an earlier time. */

import type { Queries } from '#api/queries.ts';
import { inTurns } from '#api/turns.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';

export async function registersThen(queries: Pick<Queries, 'accountsAsOf'>, asOfMs: number): Promise<Control> {
  const pieces = await queries.accountsAsOf({ asOfMs });
  const versions = await inTurns(pieces, (text) => JSON.parse(text) as ControlVersion[]);
  return new Control(versions.flat());
}
