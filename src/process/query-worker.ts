/**
 * A query worker: read-only connections, short transactions, one function per method of the port. It opens the
 * databases when first asked, since on a fresh start the followers' worker makes them, and anew when they stand still.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { DrawnReport, ReportDrawing } from '#api/reports/draw.ts';
import type { Config } from '#model/config.ts';
import { asDamage, takeDamages } from '#readings/damage.ts';
import { systemClock as clock } from '#src/clock.ts';
import { openQueries } from './create-queries.ts';
import { createFreshQueries } from './fresh-queries.ts';
import type { FromQueryWorker, QueryReply, QueryRequest } from './query-lane.ts';
import { STALE_AFTER_MS } from './stale-reads.ts';

const config = workerData as Config;
const queries = createFreshQueries(() => openQueries(config));
const say = (message: FromQueryWorker): void => parentPort!.postMessage(message);

async function answer({ id, method, query }: QueryRequest): Promise<QueryReply> {
  try {
    return { id, result: await (method === 'drawReport' ? draw(query as ReportDrawing) : queries.ask(method, query)) };
  } catch (error) {
    const { message, name, code, retryable } = asDamage(error as Error) as Error & {
      code?: string;
      retryable?: boolean;
    };
    return { id, error: { message, name, code, retryable } };
  }
}

/** Loaded when first asked for: few questions are about drawings. */
async function draw(drawing: ReportDrawing): Promise<DrawnReport> {
  const { drawReport } = await import('#api/reports/draw.ts');
  return drawReport(drawing);
}

parentPort!.on('message', (request: QueryRequest) => {
  void answer(request).then((reply) => {
    say(reply);
    const damages = takeDamages();
    if (damages.length > 0) say({ damages });
  });
});

setInterval(() => {
  const stale = queries.look(clock.monotonicMs());
  if (stale.length > 0) say({ stale });
}, STALE_AFTER_MS / 2);
