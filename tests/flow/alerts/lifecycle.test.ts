/** The life of an alarm in full (ISA-18.2): recurring, chattering, first-out, latched, asking again, handed over. Threads of pains.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alarms } from '#alerts/records/answers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { type AlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const AMMONIA = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, severity: 'minor' };

/** A rig whose only rule is this one. */
function createRig(ruleBody: object = {}): AlertsRig {
  return createWeirRig({}, { enabled: false }).rule('rule', { ...AMMONIA, ...ruleBody });
}

/** Readings at these minutes that break the limit, each followed a minute later by one that meets it. */
async function peaks(rig: AlertsRig, ...minutes: number[]): Promise<void> {
  for (const at of minutes) {
    await rig.send({ at, value: 2 });
    await rig.send({ at: at + 1, value: 0.1 });
  }
}

const places = (rig: AlertsRig) =>
  rig.alarms().map(({ occurrences, chattering }) => `${occurrences}${chattering ? ' chattering' : ''}`);

describe('an alarm that comes again', () => {
  it('thingsboard#7811: is a new alarm, and says the how-manieth within an hour', async () => {
    const rig = createRig();
    await peaks(rig, 0, 20, 60, 80, 141);
    expect(new Set(rig.alarms().map(({ id }) => id)).size).toBe(5);
    // In (raisedAt − 60 min, raisedAt]: at minute 60 the one of minute 0 is an hour ago, at 141 that of 80 is longer ago.
    expect(places(rig)).toEqual(['1', '2', '2', '2', '1']);
  });

  it('chatters from the third on, in one transition with its cause, and the list finds it', async () => {
    const rig = createRig();
    await peaks(rig, 0, 10, 20, 30);
    expect(places(rig)).toEqual(['1', '2', '3 chattering', '4 chattering']);
    const [, , third] = rig.alarms();
    expect(rig.timeline(third!.id).transitions.map(({ event, cause }) => `${event}: ${cause}`)).toContain(
      'chattering: alarm 3 of its key within 60 min',
    );
    expect(rig.story().filter((one) => one.startsWith('chattering'))).toHaveLength(2);
    expect(rig.notices().map(({ event }) => event)).not.toContain('chattering');
    const raised = rig.notices().filter(({ event }) => event === 'raised');
    expect(raised.map(({ payload }) => (payload.alarm as { chattering: boolean }).chattering)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
    const list = (chattering: boolean) => alarms(rig.derived, { ...all, chattering, limit: 10, after: null });
    expect([list(true).length, list(false).length]).toEqual([2, 2]);
  });

  it('does not chatter once one of the three is withdrawn', async () => {
    const rig = createRig();
    await peaks(rig, 0, 10, 20);
    await rig.send({ at: 10, value: 0.2, verdict: 'correction' });
    expect(rig.alarms().map(({ state, chattering }) => `${state} ${chattering}`)).toEqual([
      'returned false',
      'withdrawn false',
      'returned false',
    ]);
    const { transitions } = rig.timeline(rig.alarms()[2]!.id);
    expect(transitions.at(-1)).toMatchObject({ event: 'chattering', changed: { chattering: [true, false] } });
    expect(rig.alarms()[2]!.occurrences).toBe(2);
  });

  it('is found to chatter by a reading that arrives out of order', async () => {
    const rig = createRig();
    await peaks(rig, 0, 20);
    await rig.send({ at: 11, value: 0.1 }, { at: 10, value: 2 });
    expect(places(rig)).toEqual(['1', '2', '3 chattering']);
    expect(rig.alarms().at(-1)).toMatchObject({ raisedAtMs: T0 + 20 * MINUTE, chattering: true });
  });

  it('what was found late is no part of it', async () => {
    const rig = createRig();
    await peaks(rig, 180, 190);
    rig.at(360).message({ at: 170, value: 2 }, { at: 171, value: 0.1 });
    await rig.apply();
    expect(rig.alarms().map(({ late, occurrences }) => [late, occurrences])).toEqual([
      [true, 1],
      [false, 1],
      [false, 2],
    ]);
  });
});

describe('first-out', () => {
  const key = (rig: AlertsRig, id: string | null) => rig.alarms().find((alarm) => alarm.id === id)?.parameter ?? null;
  const firsts = (rig: AlertsRig) =>
    rig.alarms().map(({ parameter, firstOut }) => `${parameter} ${key(rig, firstOut) ?? '-'}`);
  const rigOfTwo = (forMinutes = 0) =>
    createRig({ for: `PT${forMinutes}M` }).rule('oxygen', {
      kind: 'threshold',
      parameters: ['do'],
      op: '>=',
      limit: 5,
      severity: 'minor',
    });

  it('is the alarm of the station whose breach began first, while it stands and ten minutes longer', async () => {
    const rig = rigOfTwo().station('elsewhere', { parameters: [{ id: 'nh3n', interval: 'PT5M' }] });
    await rig.send({ at: 0, value: 2 });
    await rig.send({ at: 5, parameter: 'do', value: 3 });
    await rig.send({ at: 6, station: 'elsewhere', value: 2 });
    await rig.send({ at: 7, value: 0.1 }, { at: 7, parameter: 'do', value: 9 });
    await rig.send({ at: 17, parameter: 'do', value: 3 });
    expect(firsts(rig)).toEqual(['nh3n -', 'do nh3n', 'nh3n -', 'do nh3n']);
    await rig.send({ at: 18, parameter: 'do', value: 9 });
    await rig.send({ at: 29, parameter: 'do', value: 3 });
    expect(firsts(rig).at(-1)).toBe('do -');
  });

  it('is not the one that was raised first, when another breach began before', async () => {
    const rig = rigOfTwo(10);
    await rig.send({ at: 0, value: 2 }, { at: 5, value: 2 }, { at: 5, parameter: 'do', value: 3 });
    await rig.send({ at: 10, value: 2 });
    expect(firsts(rig)).toEqual(['do -', 'nh3n -']);
  });

  it('is revised when an earlier one becomes known, and when it is withdrawn', async () => {
    const rig = rigOfTwo();
    await rig.send({ at: 10, value: 2 });
    await rig.send({ at: 5, parameter: 'do', value: 3 });
    expect(firsts(rig).toSorted()).toEqual(['do -', 'nh3n do']);
    await rig.send({ at: 5, parameter: 'do', value: 9, verdict: 'correction' });
    expect(rig.alarms().find(({ parameter }) => parameter === 'nh3n')!.firstOut).toBeNull();
  });
});

describe('latching', () => {
  const only = (rig: AlertsRig): Alarm => rig.alarms()[0]!;
  const told = (rig: AlertsRig) => rig.notices().map(({ event }) => event);
  async function raised() {
    const rig = createRig({ latch: true });
    await rig.send({ at: 0, value: 2 });
    const { id } = only(rig);
    return {
      rig,
      acknowledge: () => rig.command({ verb: 'acknowledge', alarm: id }, 'li').apply(),
      reset: () => rig.command({ verb: 'reset', alarm: id, comment: 'gate shut' }, 'wang').apply(),
      good: () => rig.send({ at: 5, value: 0.1 }),
    };
  }
  const states = {
    'raised, returned, acknowledged, reset': ['good', 'acknowledge', 'reset'],
    'raised, returned, reset, acknowledged': ['good', 'reset', 'acknowledge'],
    'raised, acknowledged, returned, reset': ['acknowledge', 'good', 'reset'],
  } as const;
  const table: Record<keyof typeof states, string[]> = {
    'raised, returned, acknowledged, reset': ['returned latched', 'acknowledged latched', 'cleared'],
    'raised, returned, reset, acknowledged': ['returned latched', 'returned', 'cleared'],
    'raised, acknowledged, returned, reset': ['acknowledged', 'acknowledged latched', 'cleared'],
  };

  it.each(Object.keys(states) as (keyof typeof states)[])('%s', async (way) => {
    const acts = await raised();
    const seen: string[] = [];
    for (const act of states[way]) {
      await acts[act]();
      seen.push(`${only(acts.rig).state}${only(acts.rig).latched ? ' latched' : ''}`);
      expect([...acts.rig.follower().openAlarms()].length).toBe(act === states[way].at(-1) ? 0 : 1);
    }
    expect(seen).toEqual(table[way]);
  });

  it('is told, and says who reset it', async () => {
    const { rig, acknowledge, good, reset } = await raised();
    await acknowledge();
    await good();
    await reset();
    expect(told(rig)).toEqual(['raised', 'acknowledged', 'latched', 'cleared']);
    expect(rig.timeline(only(rig).id).transitions.at(-1)).toMatchObject({
      from: 'acknowledged',
      to: 'cleared',
      cause: 'gate shut',
      actor: 'wang',
      changed: { latched: [true, false] },
    });
  });

  it('does not reset what stands, what does not latch, and what is over', async () => {
    const { rig, acknowledge, good, reset } = await raised();
    await reset();
    await acknowledge();
    await reset();
    expect(rig.story()).toEqual(['raised raised', 'acknowledged acknowledged']);
    await good();
    await reset();
    const before = rig.changes.length;
    await reset();
    expect(rig.changes).toHaveLength(before);
  });

  it('needs no reset when it is withdrawn, nor in a maintenance window', async () => {
    const { rig, good } = await raised();
    await good();
    await rig.send({ at: 0, value: 0.2, verdict: 'correction' });
    expect(only(rig)).toMatchObject({ state: 'withdrawn', latched: false });
    const [from, to] = [T0, T0 + HOUR].map((ms) => new Date(ms).toISOString());
    const body = { stations: ['weir'], from, to, reason: 'x' };
    await rig.command({ verb: 'put', noun: 'maintenance', id: 'm', body }).apply();
    await peaks(rig, 20);
    expect(rig.alarms()[1]).toMatchObject({ state: 'cleared', latched: false, suppressedBy: 'maintenance/m' });
  });

  it('stands again, not latched, when better knowledge undoes its return', async () => {
    const { rig, acknowledge, good } = await raised();
    await acknowledge();
    await good();
    await rig.send({ at: 5, value: 2, verdict: 'correction' });
    expect(only(rig)).toMatchObject({ state: 'raised', latched: false, clearedAtMs: null, acknowledgedBy: null });
  });

  it('a breach while it waits for its reset is another alarm', async () => {
    const { rig, good } = await raised();
    await good();
    await rig.send({ at: 10, value: 2 });
    expect(rig.alarms().map(({ state, latched }) => `${state} ${latched}`)).toEqual(['returned true', 'raised false']);
  });
});

describe('asking again', () => {
  it('goalert#3378: an acknowledgement lasts only so long when the rule says so', async () => {
    const rig = createRig({ reAlarmAfter: 'PT4H' });
    await rig.send({ at: 0, value: 2 });
    const { id } = rig.alarms()[0]!;
    await rig.at(10).command({ verb: 'acknowledge', alarm: id }, 'li').apply();
    expect(rig.restart().follower().nextTimerMs()).toBe(T0 + 250 * MINUTE);
    await rig.at(249).tick().apply();
    expect(rig.alarms()[0]!.state).toBe('acknowledged');
    await rig.at(250).tick().apply();
    expect(rig.alarms()[0]).toMatchObject({ id, state: 'raised', acknowledgedBy: null, acknowledgedAtMs: null });
    expect(rig.timeline(id).transitions.at(-1)).toMatchObject({
      event: 'raised',
      from: 'acknowledged',
      cause: `acknowledged by li at ${new Date(T0 + 10 * MINUTE).toISOString()}, and it still stands`,
      changed: { acknowledgedBy: ['li', null] },
    });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged', 'raised']);
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('not when it has returned, and at once when the rule comes to say so after that time', async () => {
    const rig = createRig({ latch: true });
    await rig.send({ at: 0, value: 2 });
    await rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).apply();
    await rig
      .at(60)
      .rule('rule', { ...AMMONIA, reAlarmAfter: 'PT30M' })
      .apply();
    expect(rig.follower().nextTimerMs()).toBe(T0 + 30 * MINUTE);
    await rig.tick().apply();
    expect(rig.alarms()[0]!.state).toBe('raised');
    await rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).apply();
    await rig.send({ at: 65, value: 0.1 });
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('alertmanager#730: when a shelf ends, what still stands asks, and says that shelving has just ended', async () => {
    const rig = createRig({ reAlarmAfter: 'PT30M' });
    await rig.send({ at: 0, value: 2 });
    const { id } = rig.alarms()[0]!;
    await rig.command({ verb: 'acknowledge', alarm: id }, 'li').apply();
    await rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'known' }, 'li').apply();
    // The shelf outlasts the acknowledgement.
    await rig.at(40).tick().apply();
    expect(rig.alarms()[0]!.state).toBe('acknowledged');
    await rig.at(60).tick().apply();
    const { transitions } = rig.timeline(id);
    const until = new Date(T0 + HOUR).toISOString();
    expect(transitions.slice(-2)).toMatchObject([
      { event: 'unshelved', cause: `shelved until ${until}` },
      { event: 'raised', from: 'acknowledged', cause: `shelved until ${until}, and it still stands` },
    ]);
    expect(rig.notices().map(({ event, payload }) => [event, payload.again])).toEqual([
      ['raised', undefined],
      ['acknowledged', undefined],
      ['raised', 'shelf-ended'],
    ]);
  });

  it('a clock step of an hour: forward ends shelves and acknowledgements, back makes nothing happen twice', async () => {
    const rig = createRig({ reAlarmAfter: 'PT50M' });
    await rig.send({ at: 0, value: 2 });
    await rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).apply();
    await rig.at(60).tick().apply();
    const after = rig.story();
    expect(after.at(-1)).toBe('raised raised');
    // The wall clock is set back; `received` stands still until it has caught up.
    await rig.tick().tick().apply();
    expect(rig.story()).toEqual(after);
  });
});

describe('who answers for it', () => {
  async function acknowledged() {
    const rig = createRig();
    await rig.send({ at: 0, value: 2 });
    const { id } = rig.alarms()[0]!;
    await rig.command({ verb: 'acknowledge', alarm: id }, 'li').apply();
    return { rig, id };
  }

  it('is handed over, and that is told', async () => {
    const { rig, id } = await acknowledged();
    await rig.at(5).command({ verb: 'hand-over', alarm: id, to: 'zhao', comment: 'sample at 20:00' }, 'li').apply();
    await rig.command({ verb: 'hand-over', alarm: id, to: 'zhao' }, 'li').apply();
    expect(rig.alarms()[0]).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'zhao', acknowledgedAtMs: T0 });
    expect(rig.timeline(id).transitions.slice(2)).toMatchObject([
      { event: 'handed-over', cause: 'sample at 20:00', actor: 'li', changed: { acknowledgedBy: ['li', 'zhao'] } },
    ]);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged', 'handed-over']);
  });

  it('opendistro#27: is given back, and it asks again', async () => {
    const { rig, id } = await acknowledged();
    await rig.command({ verb: 'unacknowledge', alarm: id }, 'li').apply();
    expect(rig.alarms()[0]).toMatchObject({ state: 'raised', acknowledgedBy: null, acknowledgedAtMs: null });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged', 'unacknowledged']);
    const before = rig.changes.length;
    rig.command({ verb: 'unacknowledge', alarm: id }).command({ verb: 'hand-over', alarm: id, to: 'zhao' });
    await rig.apply();
    expect(rig.changes).toHaveLength(before);
  });

  it('of two who acknowledge at once one does', async () => {
    const rig = createRig();
    await rig.send({ at: 0, value: 2 });
    const { id } = rig.alarms()[0]!;
    await rig
      .command({ verb: 'acknowledge', alarm: id }, 'li')
      .command({ verb: 'acknowledge', alarm: id }, 'wang')
      .apply();
    expect(rig.story()).toEqual(['raised raised', 'acknowledged acknowledged']);
    expect(rig.alarms()[0]!.acknowledgedBy).toBe('li');
  });
});

describe('the history', () => {
  it('says of every transition what changed, by which limit, and who did it', async () => {
    const rig = createWeirRig();
    const ruleSeq = rig.entries.findIndex(
      (entry) => entry.kind === 'command' && entry.command.verb === 'put' && entry.command.noun === 'rule',
    );
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, value: 1.8 });
    const { id } = rig.alarms()[0]!;
    await rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'x' }, 'li').apply();
    const limitVersion = { rule: ruleSeq + 1, standard: 'gb3838-2002' };
    expect(rig.timeline(id).transitions).toMatchObject([
      { changed: { severity: [null, 'minor'], value: [null, 0.8], class: [null, 'III'] }, limitVersion, actor: null },
      {
        event: 'severity-changed',
        changed: { severity: ['minor', 'critical'], value: [0.8, 1.8], class: ['III', 'V'] },
        limitVersion,
      },
      { event: 'shelved', changed: { shelvedUntilMs: [null, T0 + HOUR] }, limitVersion, actor: 'li' },
    ]);
    // Another version of the rule judges what comes after it.
    await rig.rule('class-target', { kind: 'class', severity: 'major' }).apply();
    await rig.send({ at: 10, value: 1.8 });
    expect(rig.timeline(id).transitions.at(-1)).toMatchObject({
      event: 'severity-changed',
      limitVersion: { rule: rig.entries.length - 1, standard: 'gb3838-2002' },
    });
  });

  it('can neither be changed nor shortened', async () => {
    const rig = createRig();
    await rig.send({ at: 0, value: 2 });
    expect(() => rig.derived.exec("UPDATE transition SET cause = 'nothing'")).toThrow('append-only');
    expect(() => rig.derived.exec('DELETE FROM transition')).toThrow('append-only');
    const folders = ['alerts', 'src'].map((folder) => join(import.meta.dirname, '../../..', folder));
    const sources = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(folder, name), 'utf8')),
    );
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter((text) => /(UPDATE|DELETE FROM|DROP TABLE|REPLACE INTO)\s+transition\b/i.test(text))).toEqual(
      [],
    );
  });
});
