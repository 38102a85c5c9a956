/** The contract's event stream, from outside: server-sent events with ids, filters, resuming and reset. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

interface StreamEvent {
  id: string | undefined;
  event: string | undefined;
  data: unknown;
}
interface Stream {
  status: number;
  type: string | null;
  events: StreamEvent[];
  text(): string;
}

let service: TestService;
const open: AbortController[] = [];

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const id of ['s1', 's2'])
    await service.call('PUT', `/stations/${id}`, {
      name: { zh: '断面', en: 'Section' },
      kind: 'river-section',
      waterBody: 'river',
      target: 'II',
      parameters: [],
    });
  await service.call('PUT', '/rules/high', {
    kind: 'threshold',
    select: {},
    parameters: ['ec'],
    op: '<=',
    limit: 500,
    severity: 'major',
  });
});
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort();
});
afterAll(() => service.remove());

async function listen(
  query = '',
  headers: Record<string, string> = { authorization: `Bearer ${ADMIN}` },
): Promise<Stream> {
  const controller = new AbortController();
  open.push(controller);
  const answer = await fetch(`${service.url}/api/v1/stream${query}`, { headers, signal: controller.signal });
  let text = '';
  const events: StreamEvent[] = [];
  const pump = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body!) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      events.splice(
        0,
        events.length,
        ...blocks
          .slice(0, -1)
          .map(parsed)
          .filter(({ event }) => event !== undefined),
      );
    }
  };
  pump().catch(() => {});
  return { status: answer.status, type: answer.headers.get('content-type'), events, text: () => text };
}

function parsed(block: string): StreamEvent {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const data = field('data');
  return { id: field('id'), event: field('event'), data: data === undefined ? undefined : JSON.parse(data) };
}

let clockMs = Date.now() - 60_000;
const post = (station: string, values: object) => {
  clockMs += 1000;
  return service.call('POST', '/readings', { station, time: clockMs, values });
};
// The platform has alarms of its own, such as that nobody is told here.
const isOurs = (data: unknown) => (data as { station?: string } | undefined)?.station !== '_platform';
const named = (stream: Stream, name: string) =>
  stream.events.filter(({ event, data }) => event === name && isOurs(data));

it('tells readings and alarms with ids seq.n, as text/event-stream', async () => {
  const stream = await listen();
  expect(stream.status).toBe(200);
  expect(stream.type).toMatch('text/event-stream');
  await post('s1', { ec: 600, ph: 7.5 });
  await eventually(
    'two readings and an alarm',
    () => named(stream, 'reading').length === 2 && named(stream, 'alarm').length === 1,
  );
  const readings = named(stream, 'reading');
  expect(readings.map(({ data }) => data)).toMatchObject([
    {
      station: 's1',
      parameter: 'ec',
      value: 600,
      flag: 1,
      unit: expect.any(String),
      time: new Date(clockMs).toISOString(),
    },
    { station: 's1', parameter: 'ph', value: 7.5 },
  ]);
  const ids = [...readings, ...named(stream, 'alarm')].map(({ id }) => id!);
  for (const id of ids) expect(id).toMatch(/^\d+\.\d+$/);
  expect(new Set(ids).size).toBe(3);
  expect(JSON.stringify(named(stream, 'alarm')[0]!.data)).toContain('"state":"raised"');
  await post('s1', { ec: 400 });
});

it('keeps to the stations and events that were asked for', async () => {
  const stream = await listen('?stations=s2&events=reading');
  await post('s1', { ph: 7.1 });
  await post('s2', { ph: 7.2, ec: 900 });
  await post('s2', { ec: 300 });
  await eventually('three readings', () => named(stream, 'reading').length === 3);
  expect(
    stream.events.every(({ event, data }) => event === 'reading' && (data as { station: string }).station === 's2'),
  ).toBe(true);
});

it('resumes after Last-Event-ID without loss or repetition', async () => {
  const first = await listen('?events=reading');
  await post('s1', { ph: 7.3, do: 9.3 });
  await eventually('the readings', () => named(first, 'reading').length === 2);
  const last = named(first, 'reading')[0]!.id!;
  for (const controller of open.splice(0)) controller.abort();
  await post('s1', { ph: 7.4 });
  const second = await listen('?events=reading', { authorization: `Bearer ${ADMIN}`, 'last-event-id': last });
  await post('s1', { ph: 7.5 });
  await eventually('what was missed and what is new', () => named(second, 'reading').length === 3);
  expect(named(second, 'reading').map(({ data }) => (data as { value: number }).value)).toEqual([9.3, 7.4, 7.5]);
});

it('begins with reset when the id is none of ours', async () => {
  const stream = await listen('', { authorization: `Bearer ${ADMIN}`, 'last-event-id': '999999999.0' });
  await eventually('a reset', () => named(stream, 'reset').length === 1);
  const foreign = await listen('', { authorization: `Bearer ${ADMIN}`, 'last-event-id': 'something' });
  await eventually('a reset', () => named(foreign, 'reset').length === 1);
});

it('never takes a token in the URL', async () => {
  expect((await listen(`?token=${ADMIN}`, {})).status).toBe(401);
  expect((await listen(`?access_token=${ADMIN}`, {})).status).toBe(401);
});

it('keeps a quiet connection alive with a heartbeat every 15 s', async () => {
  const stream = await listen('?events=alarm');
  const before = stream.text().length;
  await eventually('the heartbeat', () => /^:/m.test(stream.text().slice(before)));
});
