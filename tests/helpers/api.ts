/** The HTTP API on a real journal and a real door, with a clock set by hand and derived stores that a test fills. */
import { channel } from 'node:diagnostics_channel';
import { join } from 'node:path';
import type { FastifyRequest, FastifySchema, InjectOptions, LightMyRequestResponse } from 'fastify';
import { type Logger, pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { z } from 'zod';
import type { AlarmFigures } from '#alerts/records/figures.ts';
import { createTokens } from '#api/access/tokens.ts';
import type { Api } from '#api/api.ts';
import { createClosings } from '#api/books/closings.ts';
import { trendItemsText } from '#api/books/trend-items.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Queries } from '#api/queries.ts';
import { drawReport } from '#api/reports/draw.ts';
import { problemSchema } from '#api/schemas.ts';
import { buildServer } from '#api/server.ts';
import { createLive } from '#api/streams/live.ts';
import { trendTest } from '#assess/trend-test.ts';
import { cellColumns } from '#books/questions/period-cells.ts';
import { bucketBalances } from '#books/water/bucket-balances.ts';
import { createGate } from '#ingest/gate.ts';
import { type OpenJournalReader, openJournalReader } from '#journal/reader.ts';
import { type JournalWriter, openJournal } from '#journal/writer.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Config } from '#model/config.ts';
import type { Reference } from '#model/reference.ts';
import { ROLES, type Role, type Station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { createLogInLimit, createPasswordVerifier, hashPassword, hashToken } from '#setting/secrets.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { makeTempDir } from './temp-dir.ts';

/** 2026-11-22T00:00:00Z. */
export const NOW_MS = Date.UTC(2026, 10, 22);
const ADMIN_TOKEN = 'the-administrator-of-this-test';
export const GATEWAY = { id: 'gw-1', password: 'password-of-gw-1' };

export type Who = Role | 'nobody' | 'gateway';

export interface ApiRig {
  server: Api;
  journal: JournalWriter;
  reader: OpenJournalReader;
  clock: HandClock;
  deps: ApiDeps;
  /** What `queries` answers; a test replaces what it needs. */
  queries: Queries;
  /** Limits on access that were reached, and by whom. */
  crowded: string[];
  /** Gateways that were disconnected. */
  disconnected: string[];
  /** Lines that were logged. */
  logged: Record<string, unknown>[];
  tokens: Record<Role, string>;
  call(method: string, url: string, options?: CallOptions): Promise<LightMyRequestResponse>;
}

interface CallOptions {
  /** `admin` unless told. */
  as?: Who;
  body?: unknown;
  headers?: Record<string, string>;
  remoteAddress?: string;
}

export const TAOCHA: Station = {
  name: { zh: '陶岔渠首', en: 'Taocha canal head' },
  kind: 'canal-section',
  waterBody: 'river',
  target: 'II',
  area: 'nanyang',
  parameters: [{ id: 'ph', interval: 'PT5M' }, { id: 'nh3n', interval: 'PT4H' }, { id: 'turbidity' }],
};

/** Empty stores: whatever is asked, nothing is known. */
function emptyQueries(): Queries {
  const queries: Queries = {
    readings: async () => [],
    history: async () => [],
    trends: async ({ edgesMs }) =>
      edgesMs.slice(1).map((endMs, index) => ({ ...NO_READINGS, startMs: edgesMs[index]!, endMs })),
    trendSteps: async ({ edgesMs }) => edgesMs.slice(1).map(() => null),
    trendTest: async ({ values, ...options }) => trendTest(values, options),
    periods: async ({ spans, series }) =>
      cellColumns(
        spans.map(() => []),
        series,
      ),
    volumes: async ({ edgesMs }) =>
      edgesMs.slice(1).map((endMs, index) => {
        const startMs = edgesMs[index]!;
        return { startMs, endMs, measuredLitres: 0, estimatedLitres: 0, unknownMs: endMs - startMs };
      }),
    meterVolumes: async ({ meters, edgesMs }) =>
      meters.map(({ id }) => ({
        meter: id,
        buckets: edgesMs.slice(1).map((endMs, index) => {
          const startMs = edgesMs[index]!;
          return { startMs, endMs, measuredLitres: 0, estimatedLitres: 0, unknownMs: endMs - startMs };
        }),
      })),
    balances: (query) => bucketBalances(queries, query),
    volumesAsOf: async () => [],
    accountsAsOf: async () => [],
    decisions: async () => [],
    settledCounts: async () => ({ stored: 0, duplicate: 0 }),
    alarms: async () => [],
    alarm: async () => null,
    alarmFigures: async () => NO_FIGURES,
    timeline: async () => ({ transitions: [], notices: [], lines: [] }),
    notices: async () => [],
    notice: async () => null,
    transitionsAfter: async () => [],
    loads: async () => [],
    explained: async () => null,
    panel: async () => null,
    panels: async () => [],
    qcResults: async () => [],
    parked: async () => [],
    reached: async () => ({ journalSeq: Number.MAX_SAFE_INTEGER, booksSeq: Number.MAX_SAFE_INTEGER }),
    // Of whatever a test has `trends` answer.
    trendItems: async ({ query, ...writing }) => trendItemsText(await queries.trends(query), query.timeZone, writing),
  };
  return queries;
}

/** A register at Taocha, of what goes to Beijing. */
export const METER = {
  station: 'taocha',
  parameter: 'register',
  kind: 'register',
  unit: 'm3',
  direction: 1,
  maxFlow: 420,
  maxGap: 'PT1H',
  measures: 'delivery',
  recipient: 'beijing',
};

export const NO_FIGURES: AlarmFigures = {
  count: 0,
  withdrawn: 0,
  suppressed: 0,
  late: 0,
  per10Min: { mean: 0, max: 0, shareAbove10: 0 },
  minutesInFlood: 0,
  floods: [],
  chattering: [],
  stale: { count: 0, longest: [] },
  acknowledgement: { count: 0, medianMinutes: null, p90Minutes: null, never: 0 },
  byRule: [],
  byStation: [],
  bySeverity: { minor: 0, major: 0, critical: 0 },
  notices: [],
};
const NO_READINGS = { count: 0, valid: 0, mean: null, min: null, max: null, provisional: false };

const CONFIG = {
  timeZone: 'Asia/Shanghai',
  rateLimit: 100_000,
  // A busy machine is no reason for a test to be answered 503.
  busyAfterMs: 0,
  publicUrl: null,
  rawRetentionMs: null,
  allowedLatenessMs: 7_200_000,
  closings: 'auto',
  unknownTolerance: 0.01,
  maxMessageBytes: 64 << 10,
} as Config;

let reference: Reference | undefined;

/** Closed and removed when the running test ends. */
export async function startApi(
  overrides: {
    config?: Partial<Config>;
    seeded?: boolean;
    connectionLimits?: ApiDeps['connectionLimits'];
    setClocks?: ApiDeps['setClocks'];
  } = {},
): Promise<ApiRig> {
  const { path, remove } = makeTempDir();
  const clock = handClock(NOW_MS);
  const journal = openJournal({ path: join(path, 'journal.db'), clock, maxBytes: 1 << 28, ackMaxDelayMs: 0 });
  const reader = openJournalReader(join(path, 'journal.db'));
  reference ??= loadReference();
  const { control } = journal;
  const tokens = Object.fromEntries(ROLES.map((role) => [role, role === 'admin' ? ADMIN_TOKEN : `token-of-${role}`]));
  if (overrides.seeded !== false) await seed(journal, tokens);
  const config = { ...CONFIG, dataDir: path, ...overrides.config };
  const gate = createGate({ journal, control, reference, clock, maxMessageBytes: config.maxMessageBytes });
  const { log, logged } = memoryLog();
  const disconnected: string[] = [];
  const crowded: string[] = [];
  const queries = emptyQueries();
  const caughtUp = async () => true;
  const deps: ApiDeps = {
    config,
    clock,
    log,
    journal,
    reader,
    control,
    door: gate,
    queries,
    drawReport,
    reference,
    closings: createClosings({ config, control, journal, queries, reference, clock, caughtUp }),
    live: createLive(reader, reference, journal.headSeq),
    tokens: createTokens(control, ADMIN_TOKEN),
    verifier: createPasswordVerifier(),
    logIns: createLogInLimit(clock, undefined, (address) => void crowded.push(`log-in.address ${address}`)),
    crowded: (limit, who) => void crowded.push(`${limit} ${who}`),
    ...(overrides.connectionLimits && { connectionLimits: overrides.connectionLimits }),
    linkSecret: 'installation-key-of-this-test',
    caughtUp,
    readiness: () => ({ ready: true, waitingFor: [], recounting: null }),
    metrics: async () => 'wellkeeper_up 1\n',
    disconnectGateway: (id) => void disconnected.push(id),
    gatewaySeenMs: () => null,
    setClocks: (gateway, address) => overrides.setClocks?.(gateway, address) ?? null,
    gatewayUntold: () => 0,
    checkRule: () => [],
    rehearse: async () => {
      throw new Error('nobody said what a rehearsal answers');
    },
    checkChannel: async () => [],
  };
  journal.onCommit((entries) => deps.live.committed(entries));
  const server = await buildServer(deps);
  onTestFinished(async () => {
    await server.close();
    reader.close();
    await journal.close();
    remove();
  });
  const rig: ApiRig = {
    server,
    journal,
    reader,
    clock,
    deps,
    queries,
    disconnected,
    crowded,
    logged,
    tokens: tokens as Record<Role, string>,
    async call(method, url, options = {}) {
      const id = String(nextCall++);
      const request = toInject(rig, method, url, options);
      const response = await server.inject({ ...request, headers: { ...request.headers, [CALL_HEADER]: id } });
      checkAnswer(schemas.get(id), response);
      schemas.delete(id);
      return response;
    },
  };
  return rig;
}

const CALL_HEADER = 'x-test-call';
let nextCall = 1;
/** The schema of the route that handled each call. */
const schemas = new Map<string, FastifySchema>();

channel('tracing:fastify.request.handler:start').subscribe((message) => {
  const { request } = message as { request: FastifyRequest };
  const id = request.headers[CALL_HEADER];
  if (typeof id === 'string') schemas.set(id, request.routeOptions.schema ?? {});
});

/** Every answer of every test has to be what the description says, without a member more. */
function checkAnswer(schema: FastifySchema | undefined, response: LightMyRequestResponse): void {
  const type = String(response.headers['content-type']).split(';')[0]!;
  if (!type.endsWith('json') || response.body === '') return;
  const documented = schema?.response as
    | Record<string, { content?: Record<string, { schema: z.ZodType }> }>
    | undefined;
  const answer =
    type === 'application/problem+json' ? problemSchema : documented?.[response.statusCode]?.content?.[type]?.schema;
  if (!answer) throw new Error(`${response.statusCode} ${type} is not described: ${response.body.slice(0, 300)}`);
  const { quarantineId: _quarantineId, ...body } = response.json();
  const isList = Array.isArray(response.json());
  const parsed = answer.parse(isList ? response.json() : body);
  expect(parsed).toEqual(isList ? response.json() : body);
}

async function seed(journal: JournalWriter, tokens: Record<string, string>): Promise<void> {
  const put = (noun: 'station' | 'gateway' | 'token' | 'channel', id: string, body: unknown) =>
    journal.appendCommand('seed', { verb: 'put', noun, id, body });
  await put('station', 'taocha', TAOCHA);
  await put('station', 'other', { ...TAOCHA, name: { zh: '别处', en: 'Elsewhere' } });
  await put('channel', 'duty', { kind: 'log' });
  await put('gateway', GATEWAY.id, { stations: ['taocha'], passwordHash: await hashPassword(GATEWAY.password) });
  for (const role of ['viewer', 'operator', 'engineer'] as const) {
    await put('token', `tk-${role}`, { name: `a-${role}`, role, hash: hashToken(tokens[role]!) });
  }
}

function memoryLog(): { log: Logger; logged: Record<string, unknown>[] } {
  const logged: Record<string, unknown>[] = [];
  const write = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
  return { log: pino({ level: 'info' }, { write }), logged };
}

function toInject(rig: ApiRig, method: string, url: string, options: CallOptions): InjectOptions {
  const { as = 'admin', body, headers = {}, remoteAddress } = options;
  const isText = typeof body === 'string' || Buffer.isBuffer(body);
  return {
    method: method as 'GET',
    url,
    headers: {
      ...authorization(rig, as),
      ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: isText ? body : JSON.stringify(body) }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
  };
}

export function authorization({ tokens }: Pick<ApiRig, 'tokens'>, who: Who): Record<string, string> {
  if (who === 'nobody') return {};
  if (who === 'gateway') return basic(GATEWAY.id, GATEWAY.password);
  return { authorization: `Bearer ${tokens[who]}` };
}

export function basic(name: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

export function anAlarm(rest: Partial<Alarm> = {}): Alarm {
  return {
    id: '7-class-target-1',
    key: 'class-target/taocha/nh3n',
    rule: 'class-target',
    station: 'taocha',
    parameter: 'nh3n',
    severity: 'minor',
    state: 'raised',
    breachStartMs: NOW_MS,
    raisedAtMs: NOW_MS,
    detectedAtMs: NOW_MS + 1200,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    clearedAtMs: null,
    value: 0.83,
    unit: 'mg/L',
    limit: 0.5,
    op: '<=',
    target: 'II',
    class: 'III',
    multiple: 0.66,
    worst: { value: 0.83, class: 'III', severity: 'minor', atMs: NOW_MS },
    basis: 'instantaneous',
    late: false,
    occurrences: 1,
    chattering: false,
    firstOut: null,
    shelvedUntilMs: null,
    suppressedBy: null,
    latched: false,
    detail: null,
    ...rest,
  };
}
