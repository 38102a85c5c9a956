/** The operators' figures: each as docs/alarm-figures.md defines it, from the tables that the follower writes. */
import { describe, expect, it } from 'vitest';
import { alarmFiguresOf } from '#alerts/looking-back/figures.ts';
import { type NoticeDraft, openAlertStore } from '#alerts/records/store.ts';
import { openDerived } from '#installation/derived.ts';
import type { Alarm, AlarmEvent } from '#model/alarms/alarm.ts';
import { createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { anAlarm } from '#tests/helpers/api.ts';

const WEEK = 7 * 24 * HOUR;

function figuresRig() {
  const derived = openDerived(':memory:');
  const store = openAlertStore(derived);
  let made = 0;
  const rig = {
    derived,
    /** An alarm that came so many minutes after T0. */
    came(at: number, rest: Partial<Alarm> = {}): Alarm {
      const timeMs = T0 + at * MINUTE;
      const { rule = 'class-target', station = 'taocha', parameter = 'nh3n' } = rest;
      const alarm = anAlarm({
        id: `a${++made}`,
        key: `${rule}/${station}/${parameter}`,
        breachStartMs: timeMs,
        raisedAtMs: timeMs,
        detectedAtMs: timeMs,
        clearedAtMs: timeMs + MINUTE,
        state: 'returned',
        ...rest,
      });
      store.put(alarm, null);
      return alarm;
    },
    /** Somebody takes it over so many minutes after it came; by the event that the state asks for. */
    taken({ id: alarm, detectedAtMs }: Alarm, after: number, event: AlarmEvent = 'acknowledged') {
      const atMs = detectedAtMs + after * MINUTE;
      const history = { changed: {}, limitVersion: null };
      store.transition({ alarm, seq: 1, atMs, event, from: null, to: 'cleared', cause: '', actor: 'wang', ...history });
    },
    notice(channel: string, alarms: Alarm[], state: string, rest: Partial<NoticeDraft> & { fallback?: string } = {}) {
      const id = `n${++made}`;
      const ids = alarms.map((alarm) => alarm.id);
      const draft = { id, cause: id, channel, event: 'raised', createdAtMs: T0, alarms: ids, payload: '{}' } as const;
      store.notify({ ...draft, ...rest });
      derived.prepare('UPDATE notice SET state = ?, fallback = ? WHERE id = ?').run(state, rest.fallback ?? null, id);
    },
    figures: (from = 0, to = WEEK / MINUTE, stations: string[] | null = null, rule: string | null = null) =>
      alarmFiguresOf(derived, { fromMs: T0 + from * MINUTE, toMs: T0 + to * MINUTE, stations, rule }),
  };
  return rig;
}

describe('alarms', () => {
  it('count when people were told of them; records and suppressed ones are told apart', () => {
    const rig = figuresRig();
    rig.came(-1);
    rig.came(0, { severity: 'critical' });
    rig.came(1, { state: 'withdrawn' });
    rig.came(2, { suppressedBy: 'maintenance/pump' });
    rig.came(3, { late: true, state: 'cleared' });
    rig.came(4, { late: true, state: 'cleared', suppressedBy: 'maintenance/pump' });
    rig.came(100);
    expect(rig.figures(0, 100)).toMatchObject({
      count: 2,
      withdrawn: 1,
      suppressed: 1,
      late: 2,
      bySeverity: { minor: 1, major: 0, critical: 1 },
    });
  });

  it('come when they are detected, whatever the time of their readings', () => {
    const rig = figuresRig();
    rig.came(-90, { detectedAtMs: T0 });
    rig.came(5, { detectedAtMs: T0 + 200 * MINUTE });
    expect(rig.figures(0, 100).count).toBe(1);
  });

  it('are counted by rule and by station, most first, and may be asked for by them', () => {
    const rig = figuresRig();
    rig.came(0, { station: 'b' });
    rig.came(1, { station: 'a', rule: 'silent' });
    rig.came(2, { station: 'b' });
    expect(rig.figures()).toMatchObject({
      byRule: [
        { rule: 'class-target', count: 2 },
        { rule: 'silent', count: 1 },
      ],
      byStation: [
        { station: 'b', count: 2 },
        { station: 'a', count: 1 },
      ],
    });
    expect(rig.figures(0, 100, ['a', 'c']).byRule).toEqual([{ rule: 'silent', count: 1 }]);
    expect(rig.figures(0, 100, null, 'silent').count).toBe(1);
    expect(rig.figures(0, 100, [], null).count).toBe(0);
  });
});

describe('the load', () => {
  it('is counted in windows of ten minutes from the start of the range', () => {
    const rig = figuresRig();
    for (let n = 0; n < 11; n++) rig.came(10 + n / 2);
    rig.came(25);
    expect(rig.figures(0, 120).per10Min).toEqual({ mean: 1, max: 11, shareAbove10: 1 / 12 });
    expect(rig.figures(15, 25).per10Min).toEqual({ mean: 1, max: 1, shareAbove10: 0 });
  });

  it('is a flood from the eleventh in ten minutes until there are fewer than five, also over the edges', () => {
    const rig = figuresRig();
    for (let n = 0; n < 12; n++) rig.came(n);
    const spans = (from: number, to: number) =>
      rig.figures(from, to).floods.map(({ fromMs, toMs }) => [(fromMs - T0) / MINUTE, (toMs - T0) / MINUTE]);
    expect(spans(0, 60)).toEqual([]);
    for (let n = 0; n < 12; n++) rig.came(120 + n / 2);
    expect(spans(0, 240)).toEqual([[125, 133.5]]);
    expect(rig.figures(0, 240).minutesInFlood).toBe(8.5);
    expect(spans(128, 130)).toEqual([[128, 130]]);
  });
});

describe('chattering', () => {
  it('is three raises of a key within an hour; the worst come first', () => {
    const rig = figuresRig();
    for (const at of [0, 30, 60, 90]) rig.came(at, { parameter: 'ph' });
    for (const at of [0, 20, 59]) rig.came(at, { parameter: 'do' });
    for (const at of [200, 201, 202, 203, 500]) rig.came(at, { parameter: 'nh3n' });
    expect(rig.figures().chattering).toEqual([
      { key: 'class-target/taocha/nh3n', raises: 4, sinceMs: T0 + 200 * MINUTE, count: 5 },
      { key: 'class-target/taocha/do', raises: 3, sinceMs: T0, count: 3 },
    ]);
  });

  it('lists ten', () => {
    const rig = figuresRig();
    for (let key = 0; key < 12; key++) for (let at = 0; at < 3 + key; at++) rig.came(at, { parameter: `p${key}` });
    expect(rig.figures().chattering.map(({ raises }) => raises)).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
  });
});

describe('stale', () => {
  it('is what stood for more than a day at some time of the range', () => {
    const rig = figuresRig();
    const day = 24 * 60;
    rig.came(-3 * day, { clearedAtMs: T0 - day * MINUTE });
    const long = rig.came(-3 * day, { clearedAtMs: T0 + MINUTE });
    rig.came(0, { clearedAtMs: T0 + day * MINUTE });
    const open = rig.came(0, { clearedAtMs: null, state: 'raised' });
    rig.came(6.5 * day, { clearedAtMs: null, state: 'raised' });
    for (const rest of [{ state: 'withdrawn' }, { suppressedBy: 'x' }, { late: true }] as const)
      rig.came(0, { clearedAtMs: null, ...rest });
    const { stale } = rig.figures();
    expect(stale.count).toBe(2);
    expect(stale.longest.map(({ id, hours }) => [id, hours])).toEqual([
      [open.id, 168],
      [long.id, 72 + 1 / 60],
    ]);
    expect(rig.figures(0, day).stale.count).toBe(1);
  });
});

describe('time to acknowledge', () => {
  it('is from detection to the first acknowledgement, of what stands and of what has returned', () => {
    const rig = figuresRig();
    rig.taken(rig.came(0), 4);
    const again = rig.came(1);
    rig.taken(again, 60);
    rig.taken(again, 2, 'cleared');
    rig.taken(rig.came(2), 10);
    rig.came(3);
    rig.came(4, { state: 'withdrawn' });
    expect(rig.figures().acknowledgement).toEqual({ count: 3, medianMinutes: 4, p90Minutes: 10, never: 1 });
    expect(figuresRig().figures().acknowledgement).toEqual({
      count: 0,
      medianMinutes: null,
      p90Minutes: null,
      never: 0,
    });
  });

  it('is read from what the follower writes', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    rig.at(3).command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id });
    await rig.send({ at: 5, value: 0.1 });
    await rig.send({ at: 10, value: 0.8 });
    await rig.send({ at: 15, value: 0.1 });
    rig.at(17).command({ verb: 'acknowledge', alarm: rig.alarms()[1]!.id });
    await rig.apply();
    const range = { fromMs: T0, toMs: T0 + HOUR, stations: null, rule: null };
    expect(alarmFiguresOf(rig.derived, range)).toMatchObject({
      count: 2,
      acknowledgement: { count: 2, medianMinutes: 3, p90Minutes: 7, never: 0 },
      notices: [{ channel: 'hook', pending: 6 }],
    });
  });
});

describe('notices', () => {
  it('are counted by channel and by what became of them; tests do not count', () => {
    const rig = figuresRig();
    const [here, there] = [rig.came(0), rig.came(1, { station: 'b' })] as const;
    rig.notice('duty', [here], 'sent');
    rig.notice('duty', [here, there], 'sent');
    rig.notice('duty', [there], 'failed');
    rig.notice('duty', [there], 'failed', { fallback: 'log' });
    rig.notice('log', [there], 'grouped');
    rig.notice('log', [there], 'pending');
    rig.notice('log', [], 'sent', { event: 'test' });
    rig.notice('log', [here], 'sent', { createdAtMs: T0 - 1 });
    const none = { sent: 0, pending: 0, failed: 0, takenOver: 0, grouped: 0 };
    expect(rig.figures().notices).toEqual([
      { ...none, channel: 'duty', sent: 2, failed: 1, takenOver: 1 },
      { ...none, channel: 'log', pending: 1, grouped: 1 },
    ]);
    expect(rig.figures(0, 100, ['taocha']).notices).toEqual([{ ...none, channel: 'duty', sent: 2 }]);
  });
});

it('reads by indexes alone', () => {
  const { derived } = figuresRig();
  const planned: string[] = [];
  const watching = new Proxy(derived, {
    get(target, name) {
      if (name !== 'prepare') return Reflect.get(target, name);
      return (sql: string) => {
        const holes = sql.split('?').length - 1;
        const plan = target.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(holes).fill(0));
        planned.push(...plan.map(({ detail }) => String(detail)));
        return target.prepare(sql);
      };
    },
  });
  alarmFiguresOf(watching, { fromMs: T0, toMs: T0 + 1, stations: null, rule: null });
  alarmFiguresOf(watching, { fromMs: T0, toMs: T0 + 1, stations: ['a'], rule: 'r' });
  expect(planned.filter((step) => /^SCAN (?!CONSTANT)/.test(step))).toEqual([]);
  expect(planned.join('\n')).toMatch(/alarmByDetection[\s\S]*transitionTaken/);
});
