/** The examples of docs/*.md, run against the real service or judged by the schemas that the program itself uses. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Bond } from '#alerts/telling/grouping.ts';
import * as alarms from '#api/alarms/schemas/alarms.ts';
import { quarantinePage } from '#api/readings/schemas/quarantine.ts';
import * as readings from '#api/readings/schemas/readings.ts';
import * as registers from '#api/registers/schemas/registers.ts';
import { ALARM_EVENTS } from '#model/alarms/alarm.ts';
import { FAULTS } from '#model/faults.ts';
import * as registerSchema from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import {
  differences,
  type Fence,
  fencesOf,
  missingTool,
  openSandbox,
  type Ran,
  readDocument,
  runBlocks,
  type Sandbox,
  writeFiles,
} from '#tests/helpers/repository/documents.ts';
import { parseRegisterExample } from '#tests/helpers/repository/register-example.ts';
import { eventually } from '#tests/helpers/service.ts';
import { meterProfile } from '#volume/profile.ts';
import { meterSegments } from '#volume/segments.ts';

/** Documents of other making, with tests of their own. */
const ELSEWHERE = new Set(['seeds.md', 'replay.md']);
const DOCUMENTS = readdirSync(join(import.meta.dirname, '../../../docs'))
  .filter((name) => name.endsWith('.md') && !ELSEWHERE.has(name))
  .map((name) => `docs/${name}`);

/** Where notices.md lets its webhook receiver listen. */
const RECEIVER_PORT = 9000;

const SCHEMAS: Record<string, z.ZodType> = {
  alarm: alarms.alarm,
  timeline: alarms.timeline,
  shelve: alarms.shelveBody,
  'hand-over': alarms.handOverBody,
  notice: z.strictObject({
    notice: z.string(),
    event: z.enum(ALARM_EVENTS),
    alarm: alarms.alarm,
    alarms: z.array(alarms.alarm).optional(),
    url: z.url().optional(),
  }),
  ledger: registers.ledger,
  correction: readings.correction,
  station: registerSchema.station,
  gateway: registerSchema.gateway,
  'summary-group': z.strictObject({
    reason: z.enum(['flood', 'chattering', 'quiet']),
    kind: z.enum([
      'river',
      'area',
      'gateway',
      'gateways',
      'platform',
      'late',
      'alarm',
      'rest',
    ] satisfies Bond['kind'][]),
    name: z.string().nullable(),
    since: z.iso.datetime(),
    raises: z.int(),
    ends: z.int(),
    over: z.boolean(),
  }),
  rule: registerSchema.rule,
  channel: registerSchema.channel,
  routes: registerSchema.routes,
  meter: registerSchema.meter,
  quarantined: quarantinePage.shape.items.element,
  problem: z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    code: z.enum(Object.keys(FAULTS) as [string, ...string[]]),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    requestId: z.string(),
  }),
};

let sandbox: Sandbox;

describe.each(DOCUMENTS)('%s', (path) => {
  const fences = fencesOf(readDocument(path));
  const blocks = runBlocks(fences);
  const runnable = blocks.filter((block) => missingTool(block) === null);
  // The list of metrics is checked against a running service, too.
  const needsService = fences.some(
    ({ marker }) => marker !== null && /^(run|register|hold|example: payload)/.test(marker),
  );
  const receiver = fences.find(({ marker }) => marker === 'file: receiver.mjs');
  let ran: Ran[] = [];
  let received = '';
  const ports: Record<number, number> = {};

  beforeAll(async () => {
    if (!needsService) return;
    sandbox = await openSandbox();
    writeFiles(sandbox, fences, { [RECEIVER_PORT]: 0 });
    if (receiver) {
      const child = sandbox.start('node', ['receiver.mjs']);
      for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (received += chunk));
      closers.push(() => child.kill());
      const line = await eventually('the receiver', () => /listening on (\d+)/.exec(received));
      ports[RECEIVER_PORT] = Number(line[1]);
    }
    ran = await sandbox.run(runnable, ports);
  });
  const closers: (() => unknown)[] = [];
  const adapted = (fence: Fence): Fence => ({ ...fence, text: sandbox.adapted(fence.text, ports) });
  afterAll(async () => {
    for (const close of closers) close();
    if (needsService) await sandbox.remove();
  });

  if (path === 'docs/operations.md') {
    it('lists the metrics that there are', async () => {
      const { body } = await sandbox.service.call<string>('GET', '/metrics');
      const exposed = [...body.matchAll(/^# TYPE (wellkeeper_\w+)/gm)].map((match) => match[1]!);
      const own = exposed.filter((name) => !/^wellkeeper_(process|nodejs)_/.test(name));
      const rows = [...readDocument(path).matchAll(/^\| (`wellkeeper_.*?) \| (.*)/gm)];
      // Those of an outside broker aren't exposed by one that has its own; the production path's test asks for them.
      const here = rows.filter(([, , meaning]) => !meaning!.startsWith('outside broker'));
      const told = here.flatMap(([, cell]) => [...cell!.matchAll(/`(wellkeeper_\w+)/g)].map((match) => match[1]!));
      expect(told.toSorted()).toEqual(own.toSorted());
    });
  }

  it('says of every example whether it is a test', () => {
    const unsaid = fences.filter(({ language, marker }) => language !== '' && marker === null);
    expect(unsaid.map(({ line, language }) => `line ${line}: ${language}`)).toEqual([]);
    const known = /^(run|prints|receives|register|hold|not run: .+|file: \S+|example: \S+)$/;
    expect(fences.filter(({ marker }) => marker !== null && !known.test(marker))).toEqual([]);
  });

  for (const block of blocks) {
    const missing = missingTool(block);
    it.skipIf(missing !== null)(`runs line ${block.line}${missing === null ? '' : ` (${missing})`}`, () => {
      const result = ran[runnable.indexOf(block)]!;
      expect(result, result.stderr).toMatchObject({ isReached: true, isDone: true });
      if (block.prints) expect(differences(adapted(block.prints), result.stdout)).toEqual([]);
    });
  }

  // Before the worked examples, whose alarms the receiver hears of, too.
  for (const fence of fences.filter(({ marker }) => marker === 'receives')) {
    it(`line ${fence.line} is what the receiver prints`, async () => {
      const lines = () => received.split('\n').slice(1).join('\n');
      await eventually(fence.text, () => differences(fence, lines()).length === 0);
    });
  }

  for (const fence of fences.filter(({ marker }) => marker?.startsWith('example: '))) {
    const name = fence.marker!.slice('example: '.length);
    it(`line ${fence.line} is a valid ${name}`, async () => {
      const example = JSON.parse(fence.text) as unknown;
      if (name === 'payload') await expectTakable(fence.text);
      else expect(SCHEMAS[name]!.parse(example)).toMatchObject(example as object);
      expect(unknownMembers(name, example)).toEqual([]);
    });
  }

  for (const fence of fences.filter(({ marker }) => marker === 'register')) {
    it(`line ${fence.line} is what the meter makes of these reads`, async () => await expectVolumes(fence));
  }

  for (const fence of fences.filter(({ marker }) => marker === 'hold')) {
    it(`line ${fence.line} is how these readings hold and clear`, async () => await expectHold(fence));
  }
});

/** Members that a lenient schema would have dropped: what is documented must exist. */
function unknownMembers(name: string, example: unknown): string[] {
  const schema = SCHEMAS[name];
  if (!schema || typeof example !== 'object' || example === null || Array.isArray(example)) return [];
  const parsed = schema.parse(example) as object;
  return Object.keys(example).filter((member) => !(member in parsed));
}

async function expectTakable(payload: string): Promise<void> {
  const { status, body } = await sandbox.service.call<{ readings: object[]; faults: object[] }>(
    'POST',
    '/decode',
    JSON.parse(payload),
  );
  expect(status).toBe(200);
  expect(body.faults).toEqual([]);
  expect(body.readings.length).toBeGreaterThan(0);
}

let exampleNumber = 0;

/** Puts the rule that the first line tells, sends the readings so that the last is now, and looks at the alarm's times. */
async function expectHold(fence: Fence): Promise<void> {
  const [head = '', ...lines] = fence.text.split('\n');
  const [, hold, margin, clearFor] = /^for (\S+), margin (\S+), clear\.for (\S+)$/.exec(head) ?? [];
  const rows = lines.map((line) => /^(\d\d):(\d\d) +(\S+) +(.+)$/.exec(line)!.slice(1));
  const minutes = ([hours, rest]: string[]) => Number(hours) * 60 + Number(rest);
  const lastMs = Date.now();
  const timeOf = (row: string[]) => new Date(lastMs - (minutes(rows.at(-1)!) - minutes(row)) * 60_000).toISOString();
  const { service } = sandbox;
  const id = `hold-${fence.line}`;
  const names = { zh: '例', en: 'Example' };
  const parameters = [{ id: 'nh3n', interval: 'PT5M' }];
  const station = { name: names, kind: 'river-section', waterBody: 'river', target: 'II', parameters };
  const rule = { kind: 'class', select: { stations: [id] }, for: hold, severity: 'minor' };
  expect((await service.call('PUT', `/stations/${id}`, station)).status).toBe(201);
  const put = await service.call('PUT', `/rules/${id}`, { ...rule, clear: { margin: Number(margin), for: clearFor } });
  expect(put.status).toBe(201);
  const samples = rows.map((row) => ({ station: id, time: timeOf(row), values: { nh3n: Number(row[2]) } }));
  expect((await service.call('POST', '/readings', { samples })).body).toMatchObject({ accepted: rows.length });
  const { body } = await service.call<{ items: Record<string, unknown>[] }>('GET', `/alarms?rule=${id}`);
  const told = rows.flatMap((row) =>
    /^(breachStart|raisedAt|clearedAt)$/.test(row[3]!) ? [[row[3]!, timeOf(row)]] : [],
  );
  expect(body.items).toEqual([expect.objectContaining(Object.fromEntries(told))]);
}

/** Puts the meter of a worked example, sends its reads, and asks for the volumes that it tells. */
async function expectVolumes(fence: Fence): Promise<void> {
  const { meter, reads, from, to, told } = parseRegisterExample(fence.text);
  const id = `example-${++exampleNumber}`;
  const { service } = sandbox;
  const names = { zh: '例', en: 'Example' };
  const station = { name: names, kind: 'offtake', waterBody: 'river', parameters: [{ id: meter.parameter }] };
  expect((await service.call('PUT', `/stations/${id}`, station)).status).toBe(201);
  expect((await service.call('PUT', `/meters/${id}`, { ...meter, station: id })).status).toBe(201);
  const samples = reads.map(({ time, value }) => ({ station: id, time, values: { [meter.parameter]: value } }));
  expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
  const query = `meter=${id}&from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}&by=hour`;
  const { body } = await service.call<{ total: Record<string, number> }>('GET', `/volumes?${query}`);
  expect(body.total).toMatchObject(told);
  const register = loadReference().parameters.get('register')!;
  const profile = meterProfile(registerSchema.meter.parse({ ...meter, station: id }), register);
  const points = reads.map(({ time, value }) => ({ timeMs: Date.parse(time), value }));
  const decided = meterSegments(profile, points).decisions.map(({ timeMs, kind }) => ({ timeMs, kind }));
  const shown = reads.flatMap(({ time, decision }) =>
    decision === null ? [] : [{ timeMs: Date.parse(time), kind: decision }],
  );
  expect(decided).toEqual(shown);
}
