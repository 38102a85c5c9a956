/** `GET /stream`: server-sent events, resumed after the last one that a client saw (HTML Living Standard, 9.2). */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { callerOf, nameOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { Problem } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { EVENT_NAMES, type EventName, healthEvent, type LiveEvent, toEvents } from '#api/streams/live.ts';
import { id } from '#model/register.ts';

const HEARTBEAT_MS = 15_000;
/** A client that has this much unread is closed: it comes back and resumes. */
const BEHIND_BYTES_MAX = 1 << 20;
const STREAMS_MAX = 500;
/** Of one credential, so that no viewer takes all. */
const STREAMS_OF_ONE_MAX = 50;
/** Of one address, whatever its credentials: a whole control room behind one, but never all. */
const STREAMS_OF_ADDRESS_MAX = 250;
const RESUMED_ENTRIES_MAX = 10_000;
const RESUMED_MS_MAX = 600_000;
const RESUMED_AT_ONCE = 500;
const NAMES_MAX = 1000;

/** `a,b,c` as a list; blanks between commas are no items. */
const commas = z
  .string()
  .max(65 * NAMES_MAX)
  .transform((text) => text.split(',').filter((part) => part !== ''));

const streamQuery = z.strictObject({
  stations: commas.pipe(z.array(id).max(NAMES_MAX)).optional().describe('Ids, separated by commas; all unless told'),
  events: commas
    .pipe(z.array(z.enum(EVENT_NAMES)))
    .optional()
    .describe('`reading`, `alarm`, `health`, separated by commas; all unless told'),
});

interface Place {
  seq: number;
  n: number;
}

interface Wanted {
  stations: ReadonlySet<string> | null;
  events: ReadonlySet<EventName> | null;
}

export function streamRoutes(api: Api, deps: ApiDeps): void {
  /** With the credential and the address that each belongs to. */
  const streams = new Map<ServerResponse, { key: string; address: string }>();
  api.addHook('preClose', async () => {
    for (const stream of streams.keys()) stream.end();
  });
  api.route({
    method: 'GET',
    url: '/stream',
    exposeHeadRoute: false,
    config: { access: 'viewer', endless: true },
    schema: {
      querystring: streamQuery,
      ...documented({
        tag: 'readings',
        summary: 'Readings, alarms and health as they happen, as server-sent events',
        description:
          'Ids are `seq.n`. `Last-Event-ID` resumes up to 10,000 entries or 10 minutes; older than that begins with `event: reset`: read what you need again. A comment every 15 s keeps the connection alive; a client that is 1 MiB behind is closed.',
        answer: z.string().meta({
          examples: ['id: 4711.0\nevent: reading\ndata: {"station":"taocha","parameter":"ph","value":7.9}\n\n'],
        }),
        type: 'text/event-stream',
        faults: ['id.invalid', 'overloaded'],
      }),
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const { key } = caller;
      const address = request.ip;
      const open = [...streams.values()];
      if (open.filter((other) => other.key === key).length >= STREAMS_OF_ONE_MAX) {
        deps.crowded('stream.credential', nameOf(caller));
        throw tooMany(`This credential has ${STREAMS_OF_ONE_MAX} streams already.`);
      }
      if (open.filter((other) => other.address === address).length >= STREAMS_OF_ADDRESS_MAX) {
        deps.crowded('stream.address', address);
        throw tooMany(`This address has ${STREAMS_OF_ADDRESS_MAX} streams already.`);
      }
      if (open.length >= STREAMS_MAX) {
        deps.crowded('stream.all', nameOf(caller));
        throw tooMany(`There are ${STREAMS_MAX} streams already.`);
      }
      const { stations, events } = request.query;
      const wanted = { stations: stations ? new Set(stations) : null, events: events ? new Set(events) : null };
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      streams.set(raw, { key, address });
      const end = openStream(deps, raw, wanted, placeOf(request.headers['last-event-id']), (error) =>
        request.log.error({ event: 'stream.failed', err: error }, 'resuming a stream failed'),
      );
      raw.once('close', () => {
        streams.delete(raw);
        end();
      });
    },
  });
}

function tooMany(message: string): Problem {
  return new Problem('overloaded', message, { headers: { 'retry-after': '30' } });
}

function placeOf(lastEventId: string | string[] | undefined): Place | null | 'foreign' {
  if (lastEventId === undefined || lastEventId === '') return null;
  const [, seq, n] = /^(\d{1,15})\.(\d{1,9})$/.exec(String(lastEventId)) ?? [];
  return seq === undefined ? 'foreign' : { seq: Number(seq), n: Number(n) };
}

/** @returns a function that ends it. */
function openStream(
  deps: ApiDeps,
  raw: ServerResponse,
  wanted: Wanted,
  last: Place | null | 'foreign',
  onError: (error: unknown) => void,
): () => void {
  let unsubscribe = () => {};
  const write = (text: string) => {
    if (!raw.writableEnded && !raw.destroyed) raw.write(text);
  };
  const tell = (events: readonly LiveEvent[]) => {
    const text = events
      .filter((event) => isWanted(event, wanted))
      .map((event) => event.text)
      .join('');
    if (text !== '') write(text);
  };
  const reset = () => write(`event: reset\nid: ${deps.live.position}.0\ndata: {}\n\n`);
  const listen = () => {
    if (raw.destroyed) return;
    unsubscribe = deps.live.subscribe({
      events(events) {
        tell(events);
        if (raw.writableLength > BEHIND_BYTES_MAX) raw.destroy();
      },
      reset,
    });
  };
  const taken = async (events: readonly LiveEvent[]) => {
    tell(events);
    if (raw.writableNeedDrain && !raw.destroyed) await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
    return !raw.destroyed;
  };

  write('retry: 3000\n\n');
  tell([healthEvent(deps.readiness())]);
  const heartbeat = setInterval(() => write(': heartbeat\n\n'), HEARTBEAT_MS);
  if (last === null) listen();
  else {
    if (last === 'foreign' || isTooLong(deps, last)) {
      reset();
      listen();
    } else {
      // A failure closes the stream: the client comes back with the id that it saw last.
      resume(deps, last, taken, listen).catch((error: unknown) => {
        onError(error);
        raw.destroy();
      });
    }
  }
  return () => {
    clearInterval(heartbeat);
    unsubscribe();
  };
}

function isWanted({ name, station }: LiveEvent, { stations, events }: Wanted): boolean {
  return (events === null || events.has(name)) && (stations === null || station === null || stations.has(station));
}

/** Whether what was missed is too much, too old or already pruned, or the id is none of ours. */
function isTooLong({ live, reader, clock }: ApiDeps, last: Place): boolean {
  const behind = live.position - last.seq;
  if (behind < 0 || behind > RESUMED_ENTRIES_MAX) return true;
  const first = behind === 0 ? undefined : reader.read(last.seq, 1)[0];
  return first !== undefined && (first.seq > last.seq + 1 || clock.nowMs() - first.receivedMs > RESUMED_MS_MAX);
}

/**
 * Tells from the journal what was missed, at the pace at which the client takes it, and listens once nothing is left.
 * @param taken resolves when the client can take more, to false when it is gone.
 */
async function resume(
  deps: ApiDeps,
  last: Place,
  taken: (events: readonly LiveEvent[]) => Promise<boolean>,
  listen: () => void,
): Promise<void> {
  const { live, reader, queries, reference } = deps;
  // The entry of the last event may hold more events than the client saw.
  let seq = Math.max(0, last.seq - 1);
  while (seq < live.position) {
    const changes = await queries.transitionsAfter({ seq, limit: RESUMED_AT_ONCE });
    const entries = reader.read(seq, RESUMED_AT_ONCE).filter((entry) => entry.seq <= live.position);
    if (entries.length === 0) break;
    // A full answer may lack changes of later entries.
    const known = changes.length < RESUMED_AT_ONCE ? Number.POSITIVE_INFINITY : changes.at(-1)!.transition.seq;
    const end = Math.min(entries.at(-1)!.seq, known);
    const events = toEvents(
      entries.filter((entry) => entry.seq <= end),
      changes.filter(({ transition }) => transition.seq <= end),
      reader,
      reference,
    );
    if (!(await taken(events.filter((event) => event.seq > last.seq || event.n > last.n)))) return;
    seq = end;
  }
  listen();
}
