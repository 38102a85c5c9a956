/**
 * The connection to InfluxDB: line protocol in, InfluxQL out (docs/decisions/0002), over the transport of its own client. One
 * request is one promise: nothing is buffered, retried or forgotten here.
 */
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import type { InfluxConfig } from '#model/config.ts';
import { StoreError } from '#src/sqlite.ts';
import { queryError, storeError } from './answers.ts';

export interface InfluxTimeouts {
  writeMs: number;
  queryMs: number;
  /** How long a server may take to show what it has confirmed. */
  seenMs: number;
}

export const TIMEOUTS: InfluxTimeouts = { writeMs: 10_000, queryMs: 30_000, seenMs: 30_000 };
const SOCKETS = 8;

/** Rows of one statement: `columns` names what stands in each. */
export interface Rows {
  columns: string[];
  values: (number | string | null)[][];
}

export interface InfluxClient {
  /** Where requests go, without credentials: for messages. */
  readonly address: string;
  /** Rejects with whatever the transport says; resolves once InfluxDB has answered that it is durable. */
  write(lines: string): Promise<void>;
  /** One `Rows` a statement, empty where there is nothing. @throws StoreError */
  query(statements: readonly string[]): Promise<Rows[]>;
  /** The headers of `GET /ping`, by which a server says what it is; none when it knows no such path. Rejects when it is away. */
  ping(): Promise<Readonly<Record<string, string | string[] | undefined>>>;
  /** A request of the v2 API; rejects as `write`. */
  api(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  close(): void;
}

interface QueryAnswer {
  results?: { error?: string; partial?: boolean; series?: (Rows & { partial?: boolean })[] }[];
  error?: string;
}

/** @param timeouts after which a server that doesn't answer is broken off. */
export function createInfluxClient(
  { url, token, org, bucket, api }: InfluxConfig,
  timeouts: Omit<InfluxTimeouts, 'seenMs'> = TIMEOUTS,
): InfluxClient {
  const base = new URL(url);
  const isTls = base.protocol === 'https:';
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: SOCKETS });
  const headers = authorization(api, token, base);
  const { transport } = new InfluxDB({
    url: `${base.origin}${base.pathname.replace(/\/+$/, '')}`,
    timeout: Math.max(timeouts.writeMs, timeouts.queryMs),
    transportOptions: { agent },
    headers,
  });
  const hide = hiding(secretsOf(headers.authorization));
  const request: typeof transport.request = (path, body, options, responseStarted) =>
    transport.request(path, body, options, responseStarted).catch((error) => {
      throw withoutSecrets(error, hide);
    });
  const address = `${base.origin}${base.pathname}`;
  const name = encodeURIComponent(bucket);
  const source = queried(bucket, api);
  const writePath =
    api === 'v1'
      ? `/write?db=${name}&precision=ms`
      : `/api/v2/write?org=${encodeURIComponent(org ?? '')}&bucket=${name}&precision=ms`;

  async function query(statements: readonly string[]): Promise<Rows[]> {
    const asked = `query at ${address}`;
    let answer: QueryAnswer;
    try {
      const body = new URLSearchParams({ q: statements.join(';'), ...source, epoch: 'ms' }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
      answer = (await within(timeouts.queryMs, (signal) =>
        request('/query', body, { method: 'POST', headers, signal }),
      )) as QueryAnswer;
    } catch (error) {
      throw storeError(error, asked);
    }
    const { results = [], error } =
      typeof answer === 'object' && answer !== null ? answer : { error: 'no JSON answer' };
    const said = error ?? results.find((result) => result.error !== undefined && !isEmptiness(result.error))?.error;
    if (said !== undefined) throw queryError(hide(said), asked);
    // No fault of a moment: a server that answers so doesn't do what it was asked.
    if (results.length !== statements.length) {
      throw new StoreError('store.unfit', `${asked}: the answer lacks results`, true);
    }
    return results.map(({ partial, series }) => {
      const [first] = series ?? [];
      if (partial || first?.partial) throw queryError('the answer was cut short (max-row-limit?)', asked);
      return first ?? { columns: [], values: [] };
    });
  }

  return {
    address,
    query,
    async write(lines) {
      await within(timeouts.writeMs, (signal) =>
        request(writePath, lines, { method: 'POST', headers: { 'content-type': 'text/plain' }, signal }),
      );
    },
    async ping() {
      let headers = {};
      try {
        await within(timeouts.queryMs, (signal) =>
          request('/ping', '', { method: 'GET', signal }, (given) => (headers = given)),
        );
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
      }
      return headers;
    },
    api: (method, path, body) =>
      within(timeouts.queryMs, (signal) =>
        request(path, body === undefined ? '' : JSON.stringify(body), {
          method,
          headers: { 'content-type': 'application/json' },
          signal,
        }),
      ),
    close: () => agent.destroy(),
  };
}

/** openGemini says so of a measurement that nobody has written yet; InfluxDB has no series then. */
function isEmptiness(said: string): boolean {
  return /measurement not found/i.test(said);
}

/**
 * What InfluxQL calls the bucket. 2.x reads a name with a slash as database and retention policy, as `influxd upgrade`
 * makes them of 1.x's; asked for the whole name it says that there is no such database.
 */
export function queried(bucket: string, api: 'v1' | 'v2'): { db: string; rp?: string } {
  const slash = api === 'v2' ? bucket.indexOf('/') : -1;
  return slash < 0 ? { db: bucket } : { db: bucket.slice(0, slash), rp: bucket.slice(slash + 1) };
}

/** v1 takes `user:password` as HTTP Basic, v2 a token; a URL's own credentials count as the former. */
function authorization(
  api: 'v1' | 'v2',
  token: string | null,
  { username, password }: URL,
): { authorization?: string } {
  const own = username === '' ? null : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const secret = token ?? own;
  if (secret === null) return {};
  return { authorization: api === 'v1' ? `Basic ${Buffer.from(secret).toString('base64')}` : `Token ${secret}` };
}

/** The credential in every spelling in which a server or a proxy may repeat what it refused. */
function secretsOf(header: string | undefined): string[] {
  const credential = header?.split(' ')[1];
  if (!credential) return [];
  if (!header!.startsWith('Basic ')) return [credential];
  const [, password] = /:(.*)$/s.exec(Buffer.from(credential, 'base64').toString()) ?? [];
  return password ? [credential, password] : [credential];
}

function hiding(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text);
}

/** Errors go into the log and into alarms with all that they carry. */
function withoutSecrets(error: unknown, hide: (text: string) => string): unknown {
  if (!(error instanceof HttpError)) return error;
  const { statusCode, statusMessage, body, contentType } = error;
  return new HttpError(statusCode, statusMessage && hide(statusMessage), body && hide(body), null, contentType);
}

/** A server that hangs is broken off: the transport's own time-out only counts silence. */
async function within<T>(timeoutMs: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    expired.reject(new Error(`no answer within ${timeoutMs / 1000} s`));
    controller.abort();
  }, timeoutMs);
  try {
    return await Promise.race([ask(controller.signal), expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}
