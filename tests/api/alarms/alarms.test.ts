/** Alarms, notices and acknowledgement links through HTTP. */
import { describe, expect, it } from 'vitest';
import { operate } from '#alerts/life/operate.ts';
import type { AlarmFilter, NoticeRow } from '#alerts/records/queries.ts';
import { createLinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm, AlarmState, Transition } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { type ApiRig, anAlarm, NOW_MS, startApi } from '#tests/helpers/api.ts';

/** One alarm in the store; commands change it, and its history, as the follower would. */
async function withAlarm(rest: Partial<Alarm> = {}): Promise<{ rig: ApiRig; alarm: Alarm }> {
  const rig = await startApi();
  const alarm = anAlarm(rest);
  const transitions: Transition[] = [];
  rig.queries.alarm = async ({ id }) => (id === alarm.id ? { ...alarm } : null);
  rig.queries.timeline = async () => ({ transitions, notices: [], lines: [] });
  rig.journal.onCommit((entries) => {
    for (const entry of entries) {
      if (entry.kind !== 'command' || !('alarm' in entry.command)) continue;
      const step = operate(alarm, entry, entry.command);
      if (!step) continue;
      Object.assign(alarm, step.alarm);
      const { seq, receivedMs: atMs } = entry;
      for (const happening of step.happenings) {
        transitions.push({ alarm: alarm.id, seq, atMs, ...happening, changed: {}, limitVersion: null });
      }
    }
  });
  return { rig, alarm };
}

const url = (id: string, action = '') => `/api/v1/alarms/${id}${action}`;

describe('GET /alarms', () => {
  it('passes its filters on and pages newest first', async () => {
    const rig = await startApi();
    const filters: AlarmFilter[] = [];
    rig.queries.alarms = async (filter) => {
      filters.push(filter);
      return ['c', 'b', 'a']
        .map((id) => anAlarm({ id }))
        .slice(filter.after ? 2 : 0, filter.limit + (filter.after ? 2 : 0));
    };
    const query =
      'state=raised,acknowledged&station=taocha&severity=minor&rule=class-target&from=2026-11-01&to=2026-11-22T00:00:00Z&limit=2';
    const first = (await rig.call('GET', `/api/v1/alarms?${query}`, { as: 'viewer' })).json();
    expect(first.items).toEqual([alarmView(anAlarm({ id: 'c' })), alarmView(anAlarm({ id: 'b' }))]);
    expect(filters[0]).toEqual({
      state: ['raised', 'acknowledged'],
      station: 'taocha',
      severity: ['minor'],
      rule: 'class-target',
      fromMs: Date.UTC(2026, 9, 31, 16),
      toMs: NOW_MS,
      limit: 3,
      after: null,
    });
    const second = (await rig.call('GET', `/api/v1/alarms?${query}&cursor=${first.next}`)).json();
    expect(filters[1]!.after).toEqual({ raisedAtMs: NOW_MS, id: 'b' });
    expect([second.items.length, second.next]).toEqual([1, null]);
    for (const chattering of [true, false]) {
      await rig.call('GET', `/api/v1/alarms?chattering=${chattering}`);
      expect(filters.pop()).toMatchObject({ chattering });
    }
    expect((await rig.call('GET', '/api/v1/alarms?chattering=maybe')).statusCode).toBe(400);
    await rig.call('GET', '/api/v1/alarms');
    expect(filters[2]).toMatchObject({
      state: null,
      station: null,
      severity: null,
      rule: null,
      fromMs: null,
      toMs: null,
      limit: 101,
    });
  });

  it('shows one, and its timeline', async () => {
    const { rig, alarm } = await withAlarm();
    const notice: NoticeRow = {
      id: 'n1',
      channel: 'duty',
      event: 'raised',
      alarms: [alarm.id],
      createdAtMs: NOW_MS,
      state: 'sent',
      attempts: [{ atMs: NOW_MS + 5, status: '200', outcome: 'sent' }],
    };
    rig.queries.timeline = async () => ({
      transitions: [
        {
          alarm: alarm.id,
          seq: 7,
          atMs: NOW_MS,
          event: 'raised',
          from: null,
          to: 'raised',
          cause: 'nh3n 0.83',
          actor: null,
          changed: { severity: [null, 'minor'], shelvedUntilMs: [NOW_MS, null] },
          limitVersion: { rule: 3, standard: 'gb3838-2002' },
        },
      ],
      notices: [notice],
      lines: [
        { crossing: 'x', seq: 8, atMs: NOW_MS, event: 'returned', timeMs: NOW_MS, severity: 'minor', value: 0.83 },
      ],
    });
    expect((await rig.call('GET', url(alarm.id), { as: 'viewer' })).json()).toEqual(alarmView(alarm));
    expect((await rig.call('GET', url(alarm.id, '/timeline'))).json()).toEqual({
      transitions: [
        {
          at: '2026-11-22T00:00:00.000Z',
          event: 'raised',
          from: null,
          to: 'raised',
          cause: 'nh3n 0.83',
          changed: { severity: [null, 'minor'], shelvedUntil: ['2026-11-22T00:00:00.000Z', null] },
          limitVersion: { rule: 3, standard: 'gb3838-2002' },
        },
      ],
      notices: [
        {
          id: 'n1',
          channel: 'duty',
          event: 'raised',
          alarms: [alarm.id],
          createdAt: '2026-11-22T00:00:00.000Z',
          state: 'sent',
          attempts: [{ at: '2026-11-22T00:00:00.005Z', status: '200', outcome: 'sent' }],
        },
      ],
      counted: [
        {
          crossing: 'x',
          at: '2026-11-22T00:00:00.000Z',
          event: 'returned',
          time: '2026-11-22T00:00:00.000Z',
          severity: 'minor',
          value: 0.83,
        },
      ],
    });
    for (const action of ['', '/timeline']) expect((await rig.call('GET', url('none', action))).statusCode).toBe(404);
  });
});

describe('what operators do', () => {
  it.each([undefined, {}, { comment: 'On my way' }])('acknowledges with the body %j', async (body) => {
    const { rig, alarm } = await withAlarm();
    const response = await rig.call('POST', url(alarm.id, '/acknowledge'), { as: 'operator', body });
    expect([response.statusCode, response.json()]).toMatchObject([
      200,
      { state: 'acknowledged', acknowledgedBy: 'a-operator' },
    ]);
    expect(rig.reader.commands(null, 1)[0]!.command).toEqual({ verb: 'acknowledge', alarm: alarm.id, ...body });
    const again = await rig.call('POST', url(alarm.id, '/acknowledge'), { as: 'operator' });
    expect([again.statusCode, again.json().code]).toEqual([409, 'state.conflict']);
    expect(again.json().detail).toContain('a-operator');
  });

  it.each([
    ['raised', 200],
    ['returned', 200],
    ['acknowledged', 409],
    ['cleared', 409],
    ['withdrawn', 409],
  ] as [AlarmState, number][])('acknowledging a %s alarm gives %i', async (state, status) => {
    const { rig, alarm } = await withAlarm({ state });
    expect((await rig.call('POST', url(alarm.id, '/acknowledge'))).statusCode).toBe(status);
  });

  it('shelves until an instant that lies ahead, never for ever, and for a reason', async () => {
    const { rig, alarm } = await withAlarm();
    const shelve = (body: object) => rig.call('POST', url(alarm.id, '/shelve'), { as: 'operator', body });
    expect((await shelve({ until: '2026-11-23T08:00:00+08:00', reason: 'Dredging' })).statusCode).toBe(200);
    expect(rig.reader.commands(null, 1)[0]!.command).toEqual({
      verb: 'shelve',
      alarm: alarm.id,
      untilMs: NOW_MS + 24 * 3_600_000,
      reason: 'Dredging',
    });
    expect((await shelve({ until: '2026-11-22T00:00:00Z', reason: 'r' })).json()).toMatchObject({
      code: 'request.invalid',
    });
    expect((await shelve({ until: 'later', reason: 'r' })).json()).toMatchObject({ code: 'range.invalid' });
    expect((await shelve({ until: '2026-11-23T00:00:00Z' })).statusCode).toBe(400);
    // Not for ever: thirty days at most.
    expect((await shelve({ until: '2026-12-22T00:00:00.001Z', reason: 'r' })).json()).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'until' }],
    });
    expect((await shelve({ until: '2026-12-22T00:00:00Z', reason: 'r' })).statusCode).toBe(200);
    alarm.state = 'cleared';
    expect((await shelve({ until: '2026-11-23T00:00:00Z', reason: 'r' })).statusCode).toBe(409);
  });

  it('unshelves what is shelved, and comments on anything', async () => {
    const { rig, alarm } = await withAlarm({ state: 'withdrawn' });
    expect((await rig.call('POST', url(alarm.id, '/unshelve'), { body: {} })).statusCode).toBe(409);
    alarm.shelvedUntilMs = NOW_MS + 1;
    expect((await rig.call('POST', url(alarm.id, '/unshelve'))).statusCode).toBe(200);
    const commented = await rig.call('POST', url(alarm.id, '/comment'), { body: { comment: ' Found at km 3 ' } });
    expect(commented.statusCode).toBe(200);
    expect(rig.reader.commands(null, 1)[0]!.command).toEqual({
      verb: 'comment',
      alarm: alarm.id,
      comment: 'Found at km 3',
    });
    expect((await rig.call('POST', url(alarm.id, '/comment'), { body: { comment: '  ' } })).statusCode).toBe(400);
    expect((await rig.call('POST', url('none', '/comment'), { body: { comment: 'x' } })).statusCode).toBe(404);
  });

  it('of two who do the same at once one is told that it is done already, by whom', async () => {
    const { rig, alarm } = await withAlarm();
    const both = await Promise.all(
      (['operator', 'admin'] as const).map((as) => rig.call('POST', url(alarm.id, '/acknowledge'), { as })),
    );
    expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    const lost = both.find(({ statusCode }) => statusCode === 409)!.json();
    expect(lost.code).toBe('state.conflict');
    expect(lost.detail).toContain(alarm.acknowledgedBy);
  });

  it('gives back, hands over and resets only what is in a state for it', async () => {
    const { rig, alarm } = await withAlarm();
    const act = (action: string, body?: object) =>
      rig.call('POST', url(alarm.id, `/${action}`), { as: 'operator', ...(body ? { body } : {}) });
    const statuses = async (...actions: [string, object?][]) => {
      const seen: number[] = [];
      for (const [action, body] of actions) seen.push((await act(action, body)).statusCode);
      return seen;
    };
    expect(await statuses(['unacknowledge'], ['hand-over', { to: 'zhao' }], ['reset'])).toEqual([409, 409, 409]);
    expect((await act('reset')).json().detail).toContain('still stands');
    await act('acknowledge');
    expect((await act('hand-over', { to: 'zhao', comment: 'Night shift' })).json()).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'zhao',
    });
    expect(await statuses(['hand-over', { to: 'zhao' }], ['hand-over', { to: ' ' }], ['hand-over'])).toEqual([
      409, 400, 400,
    ]);
    expect((await act('unacknowledge')).json()).toMatchObject({ state: 'raised', acknowledgedBy: null });
    Object.assign(alarm, { state: 'returned', clearedAtMs: NOW_MS, latched: true });
    expect((await act('reset', { comment: 'Gate shut' })).json()).toMatchObject({ state: 'returned', latched: false });
    expect((await act('reset')).json().detail).toContain('not latched');
    expect((await act('acknowledge')).json()).toMatchObject({ state: 'cleared' });
  });
});

describe('notices', () => {
  it('are listed by state and sent again unless they are still being tried', async () => {
    const rig = await startApi();
    const row: NoticeRow = {
      id: 'n1',
      channel: 'duty',
      event: 'raised',
      alarms: [],
      createdAtMs: NOW_MS,
      state: 'failed',
      attempts: [],
    };
    rig.queries.notices = async ({ state, limit, before }) =>
      state === 'failed' && before === null ? [row, { ...row, id: 'n0' }].slice(0, limit) : [];
    rig.queries.notice = async ({ id }) => (id === 'n1' ? row : null);
    const { items, next } = (await rig.call('GET', '/api/v1/notices?state=failed&limit=1', { as: 'viewer' })).json();
    expect([items.length, items[0].id, typeof next]).toEqual([1, 'n1', 'string']);
    expect((await rig.call('GET', `/api/v1/notices?state=failed&cursor=${next}`)).json()).toEqual({
      items: [],
      next: null,
    });
    const sent = await rig.call('POST', '/api/v1/notices/n1/resend', { as: 'operator' });
    expect([sent.statusCode, sent.json().seq]).toEqual([202, rig.journal.headSeq]);
    expect(rig.reader.commands(null, 1)[0]!.command).toEqual({ verb: 'resend', notice: 'n1' });
    for (const state of ['pending', 'held'] as const) {
      row.state = state;
      expect((await rig.call('POST', '/api/v1/notices/n1/resend')).statusCode).toBe(409);
    }
    expect((await rig.call('POST', '/api/v1/notices/n9/resend')).statusCode).toBe(404);
  });
});

describe('/a/{signed}', () => {
  const link = (rig: ApiRig, alarm: string, untilMs = NOW_MS + 60_000, sentMs = NOW_MS - 1000) =>
    `/a/${createLinkSigner(rig.deps.linkSecret).sign({ alarm, channel: 'duty', notice: `n${sentMs}`, sentMs, untilMs })}`;
  const nobody = { as: 'nobody' } as const;
  const press = { as: 'nobody', body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } } as const;

  it('shows with GET, acknowledges with POST, once', async () => {
    const { rig, alarm } = await withAlarm({ cause: '<script>' } as Partial<Alarm>);
    const path = link(rig, alarm.id);
    const page = await rig.call('GET', path, nobody);
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toContain('<form method="post">');
    expect(alarm.state).toBe('raised');
    const done = await rig.call('POST', path, press);
    expect(done.statusCode).toBe(200);
    expect(done.body).not.toContain('<form');
    expect(rig.reader.commands(null, 1)[0]).toMatchObject({
      actor: 'link:duty',
      command: { verb: 'acknowledge', alarm: alarm.id },
    });
    // Even if the alarm could be taken over again, this link is used up.
    alarm.state = 'raised';
    const again = await rig.call('POST', path, press);
    expect([again.statusCode, again.headers['content-type']]).toEqual([409, 'text/html; charset=utf-8']);
    expect(again.body).toContain('链接已使用，该报警此前已被确认。 This link has been used');
    const shown = await rig.call('GET', path, nobody);
    expect([shown.statusCode, shown.body.includes('<form')]).toEqual([200, false]);
    // A restart forgets nothing: whether a link is used is known from the journal alone.
    const later = link(rig, alarm.id, NOW_MS + 60_000, NOW_MS + 1);
    expect((await rig.call('POST', later, press)).statusCode).toBe(200);
  });

  it('says politely that it has expired, or that there is nothing to do', async () => {
    const { rig, alarm } = await withAlarm();
    const expired = await rig.call('GET', link(rig, alarm.id, NOW_MS), nobody);
    expect([expired.statusCode, expired.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(expired.body).toContain('链接已过期，请登录系统确认。 This link has expired');
    alarm.state = 'cleared';
    const over = await rig.call('POST', link(rig, alarm.id), press);
    expect([over.statusCode, over.body.includes('该报警无需确认')]).toEqual([409, true]);
  });

  it('one of two presses at once acknowledges', async () => {
    const { rig, alarm } = await withAlarm();
    const path = link(rig, alarm.id);
    const both = await Promise.all([rig.call('POST', path, press), rig.call('POST', path, press)]);
    expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
  });

  it('refuses what has expired, was forged, or is about nothing', async () => {
    const { rig, alarm } = await withAlarm();
    const path = link(rig, alarm.id);
    const [body, signature] = path.slice(3).split('.') as [string, string];
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('duty', 'root')).toString('base64url');
    const bad = [
      link(rig, alarm.id, NOW_MS),
      `/a/${forged}.${signature}`,
      `/a/${body}`,
      `/a/${body}.`,
      `/a/${body}.${signature}.x`,
      '/a/x.y',
      link({ ...rig, deps: { ...rig.deps, linkSecret: 'another' } }, alarm.id),
      link(rig, 'none'),
    ];
    for (const target of bad) {
      expect([target, (await rig.call('GET', target, nobody)).statusCode]).toEqual([target, 404]);
      expect((await rig.call('POST', target, press)).statusCode).toBe(404);
    }
    expect(alarm.state).toBe('raised');
  });

  it('escapes what it shows', async () => {
    const { rig, alarm } = await withAlarm({ station: '<img src=x onerror=alert(1)>' });
    const { body } = await rig.call('GET', link(rig, alarm.id), nobody);
    expect(body).toContain('&lt;img');
    expect(body).not.toContain('<img');
  });
});
