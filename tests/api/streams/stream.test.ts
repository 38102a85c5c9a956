/** Server-sent events over a real connection: order, filters, resuming, and clients that don't read. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlarmChange } from '#api/streams/live.ts';
import { type ApiRig, anAlarm, authorization, NOW_MS, startApi, type Who } from '#tests/helpers/api.ts';
import { eventually } from '#tests/helpers/service.ts';

interface Event {
  id: string | undefined;
  name: string | undefined;
  data: Record<string, unknown>;
}

interface Stream {
  response: IncomingMessage;
  events: Event[];
  text(): string;
  isClosed(): boolean;
  /** Resolves when so many events of these names are there. */
  of(count: number, ...names: string[]): Promise<Event[]>;
}

async function open(
  rig: ApiRig,
  query = '',
  options: { as?: Who; lastEventId?: string; headers?: Record<string, string> } = {},
): Promise<Stream> {
  if (!rig.server.server.listening) await rig.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = rig.server.server.address() as AddressInfo;
  const headers = {
    ...(options.headers ?? authorization(rig, options.as ?? 'viewer')),
    ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
  };
  const request = get(`http://127.0.0.1:${port}/api/v1/stream${query}`, { headers });
  onTestFinished(() => void request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  let isClosed = false;
  const events: Event[] = [];
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    events.splice(0, events.length, ...text.split('\n\n').slice(0, -1).flatMap(parsed));
  });
  response
    .on('error', () => {})
    .on('close', () => {
      isClosed = true;
    });
  const named = (names: string[]) => events.filter(({ name }) => names.includes(name ?? ''));
  return {
    response,
    events,
    text: () => text,
    isClosed: () => isClosed,
    of: (count, ...names) =>
      eventually(`${count} ${names.join()} events`, () => (named(names).length >= count ? named(names) : null)),
  };
}

function parsed(block: string): Event[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const data = field('data');
  return data === undefined ? [] : [{ id: field('id'), name: field('event'), data: JSON.parse(data) as Event['data'] }];
}

/** Event times only: a few hours ago, so that thousands of them stay behind the clock. */
let clockMs = NOW_MS - 6 * 3_600_000;

/** Journals values for a station, each at a new time. */
async function send(rig: ApiRig, values: Record<string, number>, station = 'taocha'): Promise<number> {
  clockMs += 1000;
  await rig.call('POST', '/api/v1/readings', { body: { station, time: clockMs, values } });
  return rig.journal.headSeq;
}

function change(seq: number, rest: Partial<AlarmChange['transition']> = {}): AlarmChange {
  const alarm = anAlarm();
  return {
    alarm,
    transition: {
      alarm: alarm.id,
      seq,
      atMs: NOW_MS,
      event: 'raised',
      from: null,
      to: 'raised',
      cause: 'nh3n',
      actor: null,
      changed: {},
      limitVersion: null,
      ...rest,
    },
  };
}

describe('GET /stream', () => {
  it('tells readings and alarms in the journal’s order once the alerts follower has passed them', async () => {
    const rig = await startApi();
    const stream = await open(rig);
    expect(stream.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(stream.response.headers['x-content-type-options']).toBe('nosniff');
    expect(await stream.of(1, 'health')).toMatchObject([{ id: undefined, data: { ready: true, waitingFor: [] } }]);
    const first = await send(rig, { ph: 7.9, nh3n: 0.83 });
    const second = await send(rig, { ph: 7.8 });
    rig.deps.live.alarms([change(first)]);
    rig.deps.live.passed(first);
    const events = await stream.of(3, 'reading', 'alarm');
    expect(events.map(({ id, name }) => [id, name])).toEqual([
      [`${first}.0`, 'reading'],
      [`${first}.1`, 'reading'],
      [`${first}.2`, 'alarm'],
    ]);
    expect(events[0]!.data).toEqual({
      station: 'taocha',
      parameter: 'ph',
      unit: rig.deps.reference.parameters.get('ph')!.unit,
      time: new Date(clockMs - 1000).toISOString(),
      value: 7.9,
      flag: expect.any(Number),
      provisional: true,
    });
    expect(events[2]!.data).toMatchObject({
      event: 'raised',
      from: null,
      to: 'raised',
      alarm: { id: anAlarm().id, state: 'raised' },
    });
    rig.deps.live.passed(second);
    expect((await stream.of(4, 'reading', 'alarm'))[3]).toMatchObject({ id: `${second}.0`, name: 'reading' });
    rig.deps.live.health({ event: 'follower.parked' });
    expect((await stream.of(2, 'health'))[1]!.data).toEqual({ event: 'follower.parked' });
  });

  it('keeps to the stations and events that are asked for, and leaves duplicates out', async () => {
    const rig = await startApi();
    const stations = await open(rig, '?stations=other');
    const events = await open(rig, '?events=alarm');
    await send(rig, { ph: 7.9 });
    await rig.call('POST', '/api/v1/readings', { body: { station: 'taocha', time: clockMs, values: { ph: 7.9 } } });
    const last = await send(rig, { ph: 7.5 }, 'other');
    rig.deps.live.alarms([change(last)]);
    rig.deps.live.passed(last);
    const [told] = await stations.of(1, 'reading');
    expect(told).toMatchObject({ data: { station: 'other', value: 7.5 } });
    await events.of(1, 'alarm');
    expect(stations.events.map(({ name }) => name)).toEqual(['health', 'reading']);
    expect(events.events.map(({ name }) => name)).toEqual(['alarm']);
  });

  it('begins with what was committed before it was opened but not yet told', async () => {
    const rig = await startApi();
    const seq = await send(rig, { ph: 7.9 });
    const stream = await open(rig);
    await stream.of(1, 'health');
    rig.deps.live.passed(seq);
    expect(await stream.of(1, 'reading')).toMatchObject([{ id: `${seq}.0` }]);
  });

  it('resumes right after the last event, from the middle of an entry too, with its alarms', async () => {
    const rig = await startApi();
    const first = await send(rig, { ph: 7.9, nh3n: 0.83 });
    const second = await send(rig, { ph: 7.8 });
    const changes = [change(first), change(first, { event: 'acknowledged' }), change(second)];
    rig.queries.transitionsAfter = async ({ seq, limit }) =>
      changes.filter(({ transition }) => transition.seq > seq).slice(0, limit);
    rig.deps.live.passed(second);
    const stream = await open(rig, '?events=reading,alarm', { lastEventId: `${first}.1` });
    const ids = (await stream.of(4, 'reading', 'alarm')).map(({ id, name }) => `${name} ${id}`);
    expect(ids).toEqual([`alarm ${first}.2`, `alarm ${first}.3`, `reading ${second}.0`, `alarm ${second}.1`]);
    const third = await send(rig, { ph: 7.7 });
    rig.deps.live.passed(third);
    expect((await stream.of(5, 'reading', 'alarm'))[4]!.id).toBe(`${third}.0`);
  });

  it('resumes a thousand entries and goes on live, missing and repeating nothing', async () => {
    const rig = await startApi();
    const from = await send(rig, { ph: 7 });
    const all = Promise.all(Array.from({ length: 1200 }, (_, index) => send(rig, { ph: 6 + (index % 30) / 10 })));
    await all;
    rig.deps.live.passed(rig.journal.headSeq);
    const stream = await open(rig, '', { lastEventId: `${from}.0` });
    for (let index = 0; index < 50; index++) rig.deps.live.passed(await send(rig, { ph: 6 + (index % 30) / 10 }));
    const readings = await stream.of(1250, 'reading');
    expect(readings.map(({ id }) => id)).toEqual(Array.from({ length: 1250 }, (_, index) => `${from + 1 + index}.0`));
  });

  it.each([
    ['a foreign id', () => 'yesterday'],
    ['an id of the future', (rig: ApiRig) => `${rig.journal.headSeq + 5}.0`],
    ['an event of more than ten minutes ago', (rig: ApiRig) => `${rig.journal.headSeq - 1}.0`],
  ])('%s begins with a reset', async (_name, lastEventId) => {
    const rig = await startApi();
    rig.clock.advance(1000);
    rig.deps.live.passed(await send(rig, { ph: 7.9 }));
    rig.clock.advance(601_000);
    const stream = await open(rig, '', { lastEventId: lastEventId(rig) });
    const [reset] = await stream.of(1, 'reset');
    expect(reset!.id).toBe(`${rig.deps.live.position}.0`);
    const seq = await send(rig, { ph: 7.5 });
    rig.deps.live.passed(seq);
    expect(await stream.of(1, 'reading')).toMatchObject([{ id: `${seq}.0` }]);
  });

  it('a quiet hour is no reason for a reset', async () => {
    const rig = await startApi();
    const seq = await send(rig, { ph: 7.9 });
    rig.deps.live.passed(seq);
    rig.clock.advance(3_600_000);
    const stream = await open(rig, '', { lastEventId: `${seq}.0` });
    rig.deps.live.passed(await send(rig, { ph: 7.5 }));
    await stream.of(1, 'reading');
    expect(stream.events.map(({ name }) => name)).toEqual(['health', 'reading']);
  });

  it('closes a client that does not read, and only that one', async () => {
    const rig = await startApi();
    const reader = await open(rig);
    const { port } = rig.server.server.address() as AddressInfo;
    const lazy = connect(port, '127.0.0.1');
    onTestFinished(() => void lazy.destroy());
    const { authorization: bearer } = authorization(rig, 'viewer');
    lazy.pause().write(`GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer}\r\n\r\n`);
    let isClosed = false;
    lazy
      .on('error', () => {})
      .on('close', () => {
        isClosed = true;
      });
    await reader.of(1, 'health');
    const filler = { text: 'x'.repeat(100_000) };
    // Kernel buffers take a few MiB before anything piles up here.
    const open_ = () =>
      new Promise<number>((resolve) => rig.server.server.getConnections((_error, count) => resolve(count)));
    await eventually('both streams', async () => (await open_()) === 2);
    await eventually('the lazy one closed', async () => {
      rig.deps.live.health(filler);
      return (await open_()) === 1;
    });
    expect(reader.isClosed()).toBe(false);
    lazy.resume();
    await eventually('the lazy client hears of it', () => isClosed);
  });

  it('ends when the server closes, and when nobody may listen', async () => {
    const rig = await startApi();
    const stream = await open(rig);
    await stream.of(1, 'health');
    await rig.server.close();
    await eventually('the stream to end', () => stream.isClosed());
    const refused = await startApi();
    expect((await refused.call('GET', '/api/v1/stream', { as: 'nobody' })).statusCode).toBe(401);
    expect((await refused.call('HEAD', '/api/v1/stream')).statusCode).toBe(405);
  });

  it('ends with its token, its session or the session’s time, and only that one', async () => {
    const rig = await startApi();
    const made = await rig.call('POST', '/api/v1/tokens', { body: { name: 'leaver', role: 'viewer' } });
    const { id, token } = made.json() as { id: string; token: string };
    const bearer = await open(rig, '', { headers: { authorization: `Bearer ${token}` } });
    const other = await open(rig);
    const session = async () => {
      const answer = await rig.call('POST', '/api/v1/session', { as: 'nobody', body: { token: rig.tokens.viewer } });
      return { cookie: String(answer.headers['set-cookie']).split(';')[0]! };
    };
    const [closed, expired] = [await session(), await session()];
    const [byClosed, byExpired] = [await open(rig, '', { headers: closed }), await open(rig, '', { headers: expired })];

    expect((await rig.call('DELETE', `/api/v1/tokens/${id}`)).statusCode).toBe(204);
    await eventually('the end of the stream of a deleted token', () => bearer.isClosed());
    const headers = { ...closed, origin: 'http://wk.example', host: 'wk.example' };
    expect((await rig.call('DELETE', '/api/v1/session', { as: 'nobody', headers })).statusCode).toBe(204);
    await eventually('the end of the stream of a closed session', () => byClosed.isClosed());
    expect([byExpired.isClosed(), other.isClosed()]).toEqual([false, false]);
    rig.clock.advance(12 * 3_600_000 + 1);
    await eventually('the end of the stream of a session that is over', () => byExpired.isClosed());
    expect(other.isClosed()).toBe(false);
  });

  it('is opened at most fifty times with one credential, which keeps nobody else out', async () => {
    const rig = await startApi();
    const streams = await Promise.all(Array.from({ length: 50 }, () => open(rig, '?events=health')));
    const refused = await open(rig, '?events=health');
    expect(refused.response.statusCode).toBe(503);
    expect(refused.response.headers['retry-after']).toBe('30');
    expect((await open(rig, '?events=health', { as: 'operator' })).response.statusCode).toBe(200);
    streams[0]!.response.destroy();
    await eventually('room for another', async () => (await open(rig)).response.statusCode === 200);
  });
});
