/** More alarms than a person can take in: summaries per river and cause, nothing lost, nothing told twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '#alerts/telling/events.ts';
import type { Payload } from '#alerts/templates/message.ts';
import { composeMessage } from '#alerts/templates/message.ts';
import { openDerived } from '#installation/derived.ts';
import type { Database } from '#src/sqlite.ts';
import { Crash, live, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { createDispatchRig } from '#tests/helpers/alerts/dispatch-rig.ts';
import { type AlertsRig, createAlertsRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

const RIVERS = ['han', 'dan'];
const HIGH = 0.8;
const AWFUL = 9;

/** Stations s0, s1 … along two rivers by turns, a class rule, and one channel for everything. */
function createRiverRig(stations = 30, derived?: Database): AlertsRig {
  const rig = createAlertsRig(derived ? { derived } : {});
  for (let n = 0; n < stations; n++) rig.station(`s${n}`, { river: RIVERS[n % 2] });
  return rig
    .rule('class-target', { kind: 'class', severity: { III: 'minor', IV: 'major', worse: 'critical' } })
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] });
}

interface Row {
  at: number;
  event: string;
  state: string;
  payload: Payload;
}

/** What goes out, each as minutes after T0 and what it is. */
function sentOf(rig: AlertsRig): Row[] {
  const rows = rig.derived.prepare("SELECT * FROM notice WHERE state = 'pending' ORDER BY position").all();
  return rows.map((row) => ({
    at: ((row.createdAtMs as number) - T0) / MINUTE,
    event: row.event as string,
    state: row.state as string,
    payload: JSON.parse(row.payload as string) as Payload,
  }));
}

const summaries = (rig: AlertsRig) => sentOf(rig).filter(({ event }) => event === 'summary');

function lineOf({ at, payload: { group, told, alarms } }: Row): string {
  return `${at} ${group!.kind} ${group!.name}: ${told!.length} of ${alarms!.length}${group!.over ? ', over' : ''}`;
}

/** Each transition that is told, and how often: by itself or in a summary. */
function tellings(rig: AlertsRig): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { event, payload } of sentOf(rig)) {
    const told = payload.told ?? [{ notice: '', event, alarms: [payload.alarm.id] }];
    for (const one of told) {
      for (const id of one.alarms) counts.set(`${one.event} ${id}`, (counts.get(`${one.event} ${id}`) ?? 0) + 1);
    }
  }
  return counts;
}

describe('a flood', () => {
  async function flooded(): Promise<AlertsRig> {
    const rig = createRiverRig();
    for (let n = 0; n < 10; n++) await rig.send({ station: `s${n}`, at: 0, value: HIGH });
    expect(summaries(rig)).toEqual([]);
    await rig.at(1).send(...Array.from({ length: 10 }, (_, n) => ({ station: `s${10 + n}`, at: 1, value: HIGH })));
    return rig;
  }

  it('tells ten by themselves, then one rolling summary a river: at once, every five minutes, and when it is over', async () => {
    const rig = await flooded();
    expect(sentOf(rig).filter(({ event }) => event === 'raised')).toHaveLength(10);
    expect(summaries(rig).map(lineOf)).toEqual(['1 river han: 5 of 5', '1 river dan: 5 of 5']);
    await rig.send({ station: 's20', at: 2, value: HIGH }, { station: 's22', at: 2, value: HIGH });
    // What goes on with those that were told by themselves goes into it, too.
    await rig.send({ station: 's1', at: 3, value: 0.1 });
    await rig.pass(40);
    expect(summaries(rig).map(lineOf).slice(2)).toEqual(['6 river han: 2 of 2', '6 river dan: 1 of 1']);
    await rig.send({ station: 's24', at: 40, value: HIGH });
    expect(sentOf(rig).at(-1)).toMatchObject({ at: 40, event: 'raised' });
    expect([...tellings(rig).values()].every((count) => count === 1)).toBe(true);
    expect(tellings(rig).size).toBe(24);
  });

  it('ends ten minutes after the fifth last alarm, with what is still held', async () => {
    const rig = await flooded();
    await rig.at(8).send({ station: 's20', at: 8, value: HIGH });
    await rig.at(10).send({ station: 's22', at: 10, value: HIGH });
    await rig.pass(60);
    expect(summaries(rig).map(lineOf).slice(2)).toEqual(['8 river han: 1 of 1', '11 river han: 1 of 1, over']);
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('shows in the timeline of each alarm the notice that waits, and the summary that told it', async () => {
    const rig = await flooded();
    await rig.send({ station: 's20', at: 2, value: HIGH });
    const id = rig.alarms().find(({ station }) => station === 's20')!.id;
    expect(rig.timeline(id).notices).toMatchObject([{ event: 'raised', state: 'held', summary: null }]);
    await rig.pass(40);
    const [notice, summary] = rig.timeline(id).notices.sort((a, b) => a.createdAtMs - b.createdAtMs);
    expect(notice).toMatchObject({ event: 'raised', state: 'grouped', summary: summary!.id });
    expect(summary).toMatchObject({ event: 'summary', state: 'pending', alarms: [id] });
  });

  it('lets ten critical alarms through by themselves, with what was held of them before; more come within a minute', async () => {
    const rig = await flooded();
    await rig.send({ station: 's20', at: 2, value: HIGH });
    const before = sentOf(rig).length;
    await rig.send({ station: 's20', at: 3, value: AWFUL });
    expect(sentOf(rig).slice(before)).toMatchObject([
      { event: 'raised', payload: { alarm: { station: 's20', severity: 'minor' } } },
      { event: 'severity-changed', payload: { alarm: { station: 's20', severity: 'critical' } } },
    ]);
    for (let n = 0; n < 12; n++) await rig.send({ station: `s${n}`, at: 4, value: AWFUL });
    const critical = sentOf(rig).filter(
      ({ event, payload }) => event !== 'summary' && payload.alarm.severity === 'critical',
    );
    expect(critical).toHaveLength(10);
    // The others come in summaries, a minute after the one before instead of five.
    await rig.pass(6);
    expect(summaries(rig).map(lineOf).slice(2)).toEqual([
      '4 river dan: 1 of 1',
      '4 river han: 1 of 1',
      '5 river dan: 1 of 1',
    ]);
  });

  it('goes by recipient: another channel that hears of few is told each', async () => {
    const rig = createRiverRig().channel('han', { kind: 'log' });
    rig.routes({ channels: ['hook'] }, { match: { station: ['s0', 's2'] }, channels: ['han'] });
    await rig.send(...Array.from({ length: 20 }, (_, n) => ({ station: `s${n}`, at: 0, value: HIGH })));
    const to = (channel: string) =>
      rig.notices().filter((notice) => notice.channel === channel && notice.state === 'pending');
    expect(to('han').map(({ event }) => event)).toEqual(['raised', 'raised']);
    expect(to('hook').map(({ event }) => event)).toEqual([...Array<string>(10).fill('raised'), 'summary', 'summary']);
  });

  it('has a bound on rivers and causes, and on the alarms of one summary', async () => {
    const rig = createAlertsRig();
    for (let n = 0; n < 40; n++) rig.station(`s${n}`, { river: `r${n}` });
    for (let n = 0; n < 1200; n++) rig.station(`t${n}`, { area: 'north' });
    rig.rule('class-target', { kind: 'class', severity: 'minor' }).channel('hook', { kind: 'log' });
    rig.routes({ channels: ['hook'] });
    const all = [...Array.from({ length: 40 }, (_, n) => `s${n}`), ...Array.from({ length: 1200 }, (_, n) => `t${n}`)];
    await rig.send(...all.map((station) => ({ station, at: 0, value: HIGH })));
    const kinds = Map.groupBy(summaries(rig), ({ payload }) => payload.group!.kind);
    expect(kinds.get('river')).toHaveLength(20);
    // The other ten rivers and 1,200 stations.
    expect(kinds.get('rest')!.map(({ payload }) => payload.alarms!.length)).toEqual([500, 500, 210]);
    expect(tellings(rig).size).toBe(1240);
  });

  it('says what it is in both languages', async () => {
    const rig = await flooded();
    const [first] = summaries(rig);
    const notice = { payload: JSON.stringify(first!.payload) };
    expect(composeMessage(notice, 'zh').title).toBe(
      '【守井人】汇总：报警泛滥（河流 han）：5 条通知合并，涉及 5 个报警',
    );
    expect(composeMessage(notice, 'en').title).toBe(
      '【Wellkeeper】summary: alarm flood (river han): 5 notices together, about 5 alarms',
    );
    expect(composeMessage(notice, 'zh').items).toHaveLength(5);
  });
});

describe('the alarm of a gateway', () => {
  it('says how many and which stations it covers, in each of its notices', async () => {
    const rig = createRiverRig(4);
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['s0', 's1', 's2'], passwordHash: '' } });
    rig.rule('silent', { kind: 'missing', severity: 'minor', steps: [{ after: 'PT1H', severity: 'major' }] });
    await rig.send(...['s0', 's1', 's2'].map((station) => ({ station, at: 0, value: 0.1 })));
    await rig.pass(90);
    expect(sentOf(rig)).toMatchObject([
      { event: 'raised', payload: { covers: { count: 3, stations: ['s0', 's1', 's2'] } } },
      { event: 'severity-changed', payload: { covers: { count: 3, stations: ['s0', 's1', 's2'] } } },
    ]);
    const { facts } = composeMessage({ payload: JSON.stringify(sentOf(rig)[0]!.payload) }, 'zh');
    expect(facts.at(-1)).toEqual({ label: '涉及站点', value: '3 个：s0、s1、s2' });
  });
});

describe('quiet hours', () => {
  it('hold what falls into them, whole, and tell it in one summary when they end', async () => {
    const rig = createRiverRig(4);
    rig.routes({ channels: ['hook'], quiet: { from: '09:00', to: '10:00', severities: ['minor'] } });
    // T0 is 08:00 in Shanghai.
    await rig.send({ station: 's0', at: 10, value: HIGH });
    await rig.send({ station: 's1', at: 61, value: HIGH }, { station: 's0', at: 61, value: 0.1 });
    await rig.send({ station: 's1', at: 70, value: 0.1 });
    expect(sentOf(rig).map(({ at, event }) => `${at} ${event}`)).toEqual(['10 raised']);
    // One that gets worse can't wait, and takes what was held of it along.
    await rig.send({ station: 's2', at: 80, value: HIGH });
    await rig.send({ station: 's2', at: 85, value: AWFUL });
    expect(sentOf(rig).slice(1)).toMatchObject([
      { event: 'raised', payload: { alarm: { station: 's2' } } },
      { event: 'severity-changed', payload: { alarm: { station: 's2' } } },
    ]);
    await rig.pass(119);
    expect(summaries(rig)).toEqual([]);
    await rig.pass(120);
    const [summary] = summaries(rig);
    expect(summary).toMatchObject({ at: 120, payload: { group: { reason: 'quiet', over: true } } });
    expect(summary!.payload.told!.map(({ event }) => event)).toEqual(['raised', 'returned', 'returned']);
    const notice = { payload: JSON.stringify(summary!.payload) };
    expect(composeMessage(notice, 'zh').title).toBe('【守井人】汇总：免打扰时段内 3 条通知合并，涉及 2 个报警');
    await rig.send({ station: 's3', at: 121, value: HIGH });
    expect(sentOf(rig).at(-1)).toMatchObject({ at: 121, event: 'raised' });
  });
});

describe('whatever happens to the process (invariant 5)', () => {
  const step = fc.record({
    after: fc.constantFrom(0, 0, 0, 1, 4, 12),
    station: fc.nat(19),
    value: fc.constantFrom(0.1, HIGH, HIGH, HIGH, AWFUL),
  });
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  const steps = fc.array(step, { minLength: 12, maxLength: 60 });
  /** Found by seed 742778350: the third alarm of a key within an hour, outside any flood. */
  const chattering: Step[] = [
    { after: 0, station: 15, value: HIGH },
    { after: 12, station: 15, value: 0.1 },
    { after: 4, station: 15, value: HIGH },
    { after: 1, station: 15, value: 0.1 },
    { after: 1, station: 15, value: HIGH },
    ...Array.from({ length: 7 }, (): Step => ({ after: 0, station: 0, value: 0.1 })),
  ];

  function told(rig: AlertsRig, all: readonly Step[]): AlertsRig {
    rig.routes(
      {
        match: { severity: ['minor'] },
        channels: ['hook'],
        quiet: { from: '08:20', to: '08:45', severities: ['minor'] },
      },
      { match: { severity: ['major', 'critical'] }, channels: ['hook'] },
      { channels: ['chief'], after: 'PT15M' },
    );
    rig.channel('chief', { kind: 'log', to: 'chief' });
    let minutes = 0;
    for (const { after, station, value } of all) {
      minutes += after;
      rig.at(minutes).message({ station: `s${station}`, at: minutes, value });
    }
    for (let n = 1; n <= 6; n++) rig.at(minutes + 10 * n).tick();
    return rig;
  }

  /** Of each channel what it was told, summaries opened, in order. */
  const heard = (got: readonly { channel: string; id: string; lines: string[] }[]) => {
    const once = [...new Map(got.map((one) => [one.id, one])).values()];
    return once.flatMap(({ channel, lines }) => lines.map((line) => `${channel} ${line}`));
  };

  it('each transition is told exactly once per recipient, by itself or in one summary, in batches of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (all, deaths, batch) => {
          const whole = told(createRiverRig(20), all);
          await whole.apply();
          const real = openDerived(':memory:');
          const life = mortal(real);
          const rig = told(createRiverRig(20, life.database), all);
          const dispatch = createDispatchRig(life.database, {
            channels: { chief: { kind: 'log', to: 'chief' } },
          });
          for (const statements of [...deaths, Number.POSITIVE_INFINITY]) {
            life.revive();
            life.dieAfter(statements);
            await live(rig.restart(), dispatch, batch).catch((error: unknown) => {
              if (!(error instanceof Crash) && !life.isDead()) throw error;
            });
            dispatch.timers.clear();
          }
          life.revive();
          await dispatch.timers.advance(HOUR);
          const transitions = rig.alarms().flatMap(({ id }) => rig.timeline(id).transitions);
          // Nobody acknowledges, and `chief` hears of what goes on after it was escalated to: `hook` hears of everything else.
          // That an alarm chatters is only recorded, as a shelf and a comment are (docs/notices.md).
          const expected = transitions
            .filter(({ event }) => event !== 'escalated' && EVENTS[event].tells !== null)
            .map(({ event, alarm }) => `hook ${event} ${alarm}`);
          const lines = heard(dispatch.got);
          expect(lines.filter((line) => line.startsWith('hook ')).sort()).toEqual(expected.sort());
          const escalated = transitions
            .filter(({ event }) => event === 'escalated')
            .map(({ alarm }) => `chief escalated ${alarm}`);
          expect(lines.filter((line) => line.startsWith('chief escalated')).sort()).toEqual(escalated.sort());
          // The same as if nothing had happened, to the byte.
          const notices = 'SELECT id, event, channel, summary, payload FROM notice ORDER BY id';
          expect(rowsOf(real, notices)).toEqual(rowsOf(whole.derived, notices));
          expect(real.prepare("SELECT count(*) AS n FROM notice WHERE state IN ('held', 'pending')").get()).toEqual({
            n: 0,
          });
          real.close();
        },
      ),
      { numRuns: 40, examples: [[chattering, [], 1]] },
    );
  });
});
