/** What openGemini's own statements say of a cluster that Wellkeeper must not be given (docs/deployment.md, "Servers for readings"). */

import { StoreError } from '#src/sqlite.ts';
import type { InfluxClient } from './client.ts';

/**
 * A cluster whose policy is `write-available-first`, the default, answers 200 without what lies on a node that is away:
 * statistics would have holes that nobody is told of. One node alone has the same setting, and no such holes.
 * @returns what is wrong; null: nothing, or the server doesn't tell (an account without rights, another version).
 */
export async function clusterFault(client: InfluxClient): Promise<string | null> {
  const settings = new Map<unknown, unknown>();
  try {
    const [{ columns, values } = { columns: [], values: [] }] = await client.query(['SHOW CONFIGS']);
    const [name, value] = [columns.indexOf('name'), columns.indexOf('value')];
    for (const row of values) settings.set(row[name], row[value]);
  } catch (error) {
    if (error instanceof StoreError && error.code !== 'store.unreachable') return null;
    throw error;
  }
  const nodes = settings.get('common.meta-join');
  const isCluster = Array.isArray(nodes) && nodes.length > 1;
  if (!isCluster || settings.get('common.ha-policy') !== 'write-available-first') return null;
  return 'is a cluster with ha-policy = "write-available-first", which answers without what a node holds that is away: it wants "replication", and the database WITH REPLICATION 3';
}
