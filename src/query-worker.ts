/**
 * The query worker: read-only connections, short transactions, one function per method of the port. It opens the
 * databases when first asked, since on a fresh start the followers' worker makes them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from '#model/config.ts';
import type { Queries } from '#store/queries.ts';
import { createQueries } from './create-queries.ts';
import type { QueryReply, QueryRequest } from './query-client.ts';

const config = workerData as Config;
let queries: Queries | undefined;

async function answer({ id, method, query }: QueryRequest): Promise<QueryReply> {
  try {
    queries ??= createQueries(config);
    const ask = queries[method] as (query: unknown) => Promise<unknown>;
    return { id, result: await ask(query) };
  } catch (error) {
    const { message, name, code, retryable } = error as Error & { code?: string; retryable?: boolean };
    return { id, error: { message, name, code, retryable } };
  }
}

parentPort!.on('message', (request: QueryRequest) => {
  void answer(request).then((reply) => parentPort!.postMessage(reply));
});
