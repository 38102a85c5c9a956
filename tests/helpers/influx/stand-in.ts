/**
 * A server before Debian's InfluxDB that behaves as openGemini and its like were seen to: what is new is shown seconds after it
 * was confirmed, nothing is deleted, an empty measurement is an error, an overwritten point is counted twice for a while,
 * nothing lies before 1970, and the first write into a week finds no shard. Each habit can be left off.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Habits {
  /** First points of a series in a week are shown so long after their 204, ms; 0: at once. */
  lateMs?: number;
  deletes?: boolean;
  /** An overwritten point is counted twice for so long, ms. */
  twiceMs?: number;
  negativeTimes?: boolean;
  /** The first write into a week is answered with 500 `shard group not found`. */
  makesShards?: boolean;
  /** What it says of itself in `SHOW CONFIGS`, as openGemini's own tests have it: names and values. */
  configs?: [name: string, value: string | string[]][];
  /** What it does to every answer of a query, for servers that can't be trusted at all. */
  spoils?: (answer: Answer, statements: string[]) => void;
}

interface Answer {
  results: { error?: string; series?: { columns: string[]; values: (number | string | null)[][] }[] }[];
}

/** VictoriaMetrics 1.151.0: takes what it is written, and has one answer to InfluxQL whatever is asked. */
export const VICTORIA_METRICS: NonNullable<Habits['spoils']> = (answer) => {
  answer.results = [{ series: [{ columns: ['name'], values: [['_internal']] }] }];
};

export interface StandIn {
  readonly url: string;
  /** Lines that have not reached InfluxDB yet. */
  held(): number;
  close(): Promise<void>;
}

const WEEK_MS = 7 * 86_400_000;
const MONDAY_MS = 4 * 86_400_000;

/** Not split: one closure over what was written. */
export async function startStandIn(target: string, habits: Habits = {}): Promise<StandIn> {
  const { lateMs = 2000, deletes = false, twiceMs = 8000, negativeTimes = false, makesShards = true } = habits;
  /** When a series' first point of a week was taken, and whether it is shown. */
  const shown = new Map<string, boolean>();
  const shards = new Set<number>();
  const written = new Set<string>();
  const overwritten: { measurement: string; timeMs: number; untilMs: number }[] = [];
  const measurements = new Set<string>();
  const held = new Map<string, string[]>();
  const timers = new Set<NodeJS.Timeout>();

  async function forward(path: string, request: IncomingMessage, body: string): Promise<Response> {
    const headers: Record<string, string> = {};
    for (const name of ['authorization', 'content-type']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers[name] = value;
    }
    return fetch(`${target}${path}`, { method: request.method ?? 'POST', headers, ...(body === '' ? {} : { body }) });
  }

  /** Shown at once, or held until its time has come; what follows it in the same week waits with it. */
  function take(line: string): string | null {
    const [head, timeText] = [line.slice(0, line.indexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)];
    const key = `${head}/${weekOf(Number(timeText))}`;
    const point = `${head} ${timeText}`;
    const measurement = head.split(',')[0]!;
    if (written.has(point)) {
      overwritten.push({ measurement, timeMs: Number(timeText), untilMs: Date.now() + twiceMs });
    }
    written.add(point);
    if (lateMs === 0 || shown.get(key)) {
      measurements.add(measurement);
      return line;
    }
    const waiting = held.get(key);
    if (waiting) waiting.push(line);
    else held.set(key, [line]);
    return null;
  }

  function showLater(path: string, request: IncomingMessage, keys: Iterable<string>): void {
    for (const key of keys) {
      const timer = setTimeout(async () => {
        timers.delete(timer);
        const lines = held.get(key)!;
        // What comes meanwhile is in its turn.
        while (lines.length > 0) await forward(path, request, lines.splice(0).join('\n'));
        held.delete(key);
        shown.set(key, true);
        measurements.add(key.split(',')[0]!);
      }, lateMs);
      timers.add(timer);
      shown.set(key, false);
    }
  }

  async function write(path: string, request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const lines = body.split('\n').filter((line) => line !== '');
    const weeks = new Set(lines.map((line) => weekOf(timeOf(line))));
    if (makesShards && !weeks.isSubsetOf(shards)) {
      for (const week of weeks) shards.add(week);
      answer(response, 500, { error: 'shard group not found' });
      return;
    }
    const taken = negativeTimes ? lines : lines.filter((line) => timeOf(line) >= 0);
    if (taken.length === 0 && lines.length > 0) {
      answer(response, 400, { error: `cannot parse timestamp "${timeOf(lines[0]!)}": bad timestamp` });
      return;
    }
    // Of a batch what lies before 1970 is dropped, and the rest confirmed.
    const now = taken.map(take).filter((line) => line !== null);
    showLater(
      path,
      request,
      [...held.keys()].filter((key) => !shown.has(key)),
    );
    const passed = now.length > 0 ? await forward(path, request, now.join('\n')) : null;
    if (!passed || passed.status === 204) {
      response.writeHead(204).end();
      return;
    }
    const refused = (await passed.json()) as { error: string };
    await keepTheRest(path, request, now, refused.error);
    answer(response, passed.status, refused);
  }

  /** Of a line whose one field is of another type than somebody gave it first, the other fields are stored. */
  async function keepTheRest(path: string, request: IncomingMessage, lines: string[], said: string): Promise<void> {
    const [, field] = /type conflict: input field "(\w+)"/.exec(said) ?? [];
    if (field === undefined) return;
    const others = lines.map((line) =>
      line.replace(new RegExp(` ${field}=[^, ]*,`), ' ').replace(new RegExp(`,${field}=[^, ]*`), ''),
    );
    await forward(path, request, others.join('\n'));
  }

  async function query(path: string, request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const statements = (new URLSearchParams(body).get('q') ?? '').split(';');
    if (statements[0] === 'SHOW CONFIGS' && habits.configs) {
      const columns = ['component', 'instance', 'name', 'value'];
      const values = habits.configs.map(([name, value]) => ['sql', '127.0.0.1:8086', name, value]);
      answer(response, 200, { results: [{ statement_id: 0, series: [{ columns, values }] }] });
      return;
    }
    const failed = statements.map(refusal);
    if (failed.some((error) => error !== null)) {
      const results = failed.map((error, id) => (error === null ? { statement_id: id } : { statement_id: id, error }));
      answer(response, 200, { results });
      return;
    }
    const passed = await forward(path, request, body);
    const found = (await passed.json()) as Answer;
    for (const [index, statement] of statements.entries()) countTwice(statement, found.results?.[index]);
    if (found.results) habits.spoils?.(found, statements);
    answer(response, passed.status, found);
  }

  function refusal(statement: string): string | null {
    if (!deletes && statement.startsWith('DELETE')) return 'unsupported command';
    if (!negativeTimes && /time >=? -/.test(statement)) {
      return 'invalid operation: time and *influxql.BinaryExpr are not compatible';
    }
    const measurement = /FROM "(\w+)"/.exec(statement)?.[1];
    const isMissing = measurement !== undefined && !measurements.has(measurement);
    return isMissing ? 'measurement not found' : null;
  }

  function countTwice(statement: string, result: Answer['results'][number] | undefined): void {
    const [, measurement] = /^SELECT count\(.* FROM "(\w+)"/.exec(statement) ?? [];
    // By the hour it reads points; over all of a series it adds up what it has noted of each of its files.
    if (!measurement || statement.includes('GROUP BY time')) return;
    const now = Date.now();
    const twice = overwritten.filter((one) => one.measurement === measurement && one.untilMs > now);
    for (const row of result?.series?.[0]?.values ?? []) {
      row[1] = (row[1] as number) + new Set(twice.map(({ timeMs }) => timeMs)).size;
    }
  }

  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', async () => {
      const path = request.url!;
      try {
        if (path.startsWith('/ping')) response.writeHead(204, { 'x-geminidb-build': 'stand-in' }).end();
        else if (path.startsWith('/write')) await write(path, request, body, response);
        else await query(path, request, body, response);
      } catch {
        request.socket.destroy();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held: () => [...held.values()].reduce((sum, lines) => sum + lines.length, 0),
    async close() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const timeOf = (line: string) => Number(line.slice(line.lastIndexOf(' ') + 1));
const weekOf = (timeMs: number) => Math.floor((timeMs - MONDAY_MS) / WEEK_MS);
