import { describe, expect, it } from 'vitest';
import { alarm, alarms, notice, notices, timeline, transitionsAfter } from '#alerts/records/answers.ts';
import { type AlertsRig, createAlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

async function raised(): Promise<{ rig: AlertsRig; id: string }> {
  const rig = createWeirRig();
  await rig.send({ at: 0, value: 0.8 });
  return { rig, id: rig.alarms()[0]!.id };
}

describe('operators', () => {
  it('acknowledge, and the alarm clears without returning', async () => {
    const { rig, id } = await raised();
    await rig.at(3).command({ verb: 'acknowledge', alarm: id, comment: 'boat is out' }, 'li').apply();
    expect(rig.alarms()[0]).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'li',
      acknowledgedAtMs: T0 + 3 * MINUTE,
    });
    await rig.command({ verb: 'acknowledge', alarm: id }, 'wang').apply();
    await rig.send({ at: 5, value: 0.1 });
    expect(rig.story()).toEqual(['raised raised', 'acknowledged acknowledged', 'cleared cleared']);
    const { transitions } = timeline(rig.derived, { id });
    expect(transitions[1]).toMatchObject({ actor: 'li', cause: 'boat is out', from: 'raised', to: 'acknowledged' });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged', 'cleared']);
  });

  it('acknowledge what has returned, and that ends it', async () => {
    const { rig, id } = await raised();
    await rig.send({ at: 5, value: 0.1 });
    expect([...rig.follower().openAlarms()].map(({ state }) => state)).toEqual(['returned']);
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    expect(rig.alarms()[0]).toMatchObject({ state: 'cleared', acknowledgedBy: 'wang' });
    expect([...rig.follower().openAlarms()]).toEqual([]);
  });

  it('are asked again when a clearing did not hold', async () => {
    const { rig, id } = await raised();
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    await rig.send({ at: 5, value: 0.1 });
    await rig.send({ at: 5, value: 0.8, verdict: 'correction' });
    expect(rig.alarms()[0]).toMatchObject({ state: 'raised', clearedAtMs: null, acknowledgedBy: null });
    expect(rig.story().at(-1)).toBe('raised raised');
  });

  it('shelve: everything is recorded, nobody is told, until the time has passed', async () => {
    const { rig, id } = await raised();
    await rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'known discharge' }).apply();
    expect(rig.follower().nextTimerMs()).toBe(T0 + HOUR);
    await rig.send({ at: 10, value: 3 });
    expect(rig.restart().follower().nextTimerMs()).toBe(T0 + HOUR);
    await rig.at(60).tick().apply();
    expect(rig.alarms()[0]).toMatchObject({ shelvedUntilMs: null, severity: 'critical' });
    expect(rig.follower().nextTimerMs()).toBeNull();
    await rig.send({ at: 65, value: 0.1 });
    expect(rig.story()).toEqual([
      'raised raised',
      'shelved raised',
      'severity-changed raised',
      'unshelved raised',
      'raised raised',
      'returned returned',
    ]);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'raised', 'returned']);
  });

  it('an alarm that ends on its shelf ends in silence', async () => {
    const { rig, id } = await raised();
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    await rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'x' }).apply();
    await rig.send({ at: 5, value: 0.1 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'cleared', shelvedUntilMs: null });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged']);
    expect(rig.follower().nextTimerMs()).toBeNull();
    // What is over can neither be shelved nor acknowledged.
    const before = rig.changes.length;
    await rig
      .command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'x' })
      .command({ verb: 'acknowledge', alarm: id })
      .apply();
    expect(rig.changes).toHaveLength(before);
  });

  it("unshelve and comment, and unknown alarms are nobody's", async () => {
    const { rig, id } = await raised();
    rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'x' });
    rig.command({ verb: 'unshelve', alarm: id });
    rig.command({ verb: 'unshelve', alarm: id });
    rig.command({ verb: 'comment', alarm: id, comment: 'sampled by hand' });
    await rig.command({ verb: 'acknowledge', alarm: 'nobody' }).apply();
    expect(rig.story()).toEqual(['raised raised', 'shelved raised', 'unshelved raised', 'commented raised']);
    expect(rig.notices()).toHaveLength(1);
  });
});

describe('routes', () => {
  it('tell each channel once, by severity, station, area and rule; those told before hear how it goes on', async () => {
    const rig = createWeirRig().routes(
      { match: { severity: ['critical'] }, channels: ['pager'] },
      { match: { area: ['shiyan'], rule: ['class-target'] }, channels: ['hook', 'pager2'] },
      { match: { station: ['weir'] }, channels: ['hook'] },
      { match: { station: ['elsewhere'] }, channels: ['never'] },
      { channels: ['chief'], after: 'PT15M' },
    );
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, value: 9 });
    await rig.send({ at: 10, value: 0.8 });
    await rig.send({ at: 15, value: 0.1 });
    const by = Map.groupBy(rig.notices(), ({ channel }) => channel);
    const events = (channel: string) => by.get(channel)?.map(({ event }) => event);
    expect([...by.keys()].sort()).toEqual(['chief', 'hook', 'pager', 'pager2']);
    expect(events('hook')).toEqual(['raised', 'severity-changed', 'severity-changed', 'returned']);
    expect(events('pager')).toEqual(['severity-changed', 'severity-changed', 'returned']);
    expect(events('chief')).toEqual(['escalated', 'returned']);
  });

  it('without routes nothing is sent', async () => {
    const rig = createWeirRig().routes();
    await rig.send({ at: 0, value: 0.8 });
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.notices()).toEqual([]);
  });

  it('a change counts from then on', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.routes({ channels: ['other'] }).apply();
    await rig.send({ at: 5, value: 0.1 });
    expect(rig.notices().map(({ channel, event }) => `${channel} ${event}`)).toEqual([
      'hook raised',
      'other returned',
      'hook returned',
    ]);
  });

  it('a test is told to its channel alone and names no alarm', async () => {
    const rig = createWeirRig();
    await rig.command({ verb: 'test-channel', channel: 'hook' }).apply();
    expect(rig.notices()).toMatchObject([
      { channel: 'hook', event: 'test', alarms: [], payload: { alarm: { station: '_platform' } } },
    ]);
  });
});

describe('sensor alarms', () => {
  it('come from flags 3 and 4, not under maintenance; the water stays silent', async () => {
    const rig = createWeirRig().rule('sensor', { kind: 'quality', severity: 'minor' });
    await rig.send({ at: 0, value: 99, flag: 4, deviceFlag: 'M' });
    await rig.send({ at: 5, value: 99, flag: 3, deviceFlag: 'T' });
    expect(rig.alarms()).toMatchObject([
      { key: 'sensor/weir/nh3n', limit: null, op: null, class: null, multiple: null, value: 99 },
    ]);
    await rig.send({ at: 10, value: 0.1 });
    expect(rig.alarms()[0]!.state).toBe('returned');
  });
});

describe('a poison entry', () => {
  it('that throws leaves nothing behind, in the file or in memory, and can be skipped', async () => {
    const rig = createWeirRig({}, { for: 'PT10M' });
    await rig.send({ at: 0, value: 0.8 });
    // The reading that raises stands in one batch with the poison: what it did is undone with the rest.
    rig.at(10).message({ at: 10, value: 0.8 });
    const receivedMs = rig.nowMs();
    rig.append({
      kind: 'message',
      seq: rig.entries.length + 1,
      receivedMs,
      source: 'gw',
      gatewaySeq: null,
      readings: null as never,
    });
    await expect(rig.apply()).rejects.toThrow();
    expect([rig.alarms(), rig.changes]).toEqual([[], []]);
    const follower = rig.follower();
    const cursor = follower.cursor();
    await follower.apply(rig.entries.slice(cursor, cursor + 1));
    follower.skip(rig.entries.at(-1)!);
    expect(rig.alarms()).toMatchObject([{ breachStartMs: T0, raisedAtMs: T0 + 10 * MINUTE }]);
    await rig.restart().send({ at: 15, value: 0.1 });
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });
});

describe('queries', () => {
  it('filter, page newest first, and give timelines, notices and what happened after a seq', async () => {
    const rig = createAlertsRig()
      .rule('class-target', { kind: 'class', severity: { III: 'minor', worse: 'critical' } })
      .routes({ channels: ['hook'] });
    for (const name of ['a', 'b', 'c']) rig.station(name);
    await rig.send({ station: 'a', at: 0, value: 0.8 });
    await rig.send({ station: 'b', at: 5, value: 9 });
    await rig.send({ station: 'c', at: 10, value: 0.8 });
    await rig.send({ station: 'a', at: 15, value: 0.1 });
    const all = {
      state: null,
      station: null,
      severity: null,
      rule: null,
      fromMs: null,
      toMs: null,
      limit: 10,
      after: null,
    };
    const stations = (filter: object) => alarms(rig.derived, { ...all, ...filter }).map(({ station }) => station);
    expect(stations({})).toEqual(['c', 'b', 'a']);
    expect(stations({ state: ['returned', 'cleared'] })).toEqual(['a']);
    expect(stations({ severity: ['critical'] })).toEqual(['b']);
    expect(stations({ station: 'c', rule: 'class-target' })).toEqual(['c']);
    expect(stations({ fromMs: T0 + 5 * MINUTE, toMs: T0 + 10 * MINUTE })).toEqual(['b']);
    const [first] = alarms(rig.derived, { ...all, limit: 1 });
    expect(stations({ after: { raisedAtMs: first!.raisedAtMs, id: first!.id }, limit: 1 })).toEqual(['b']);
    expect(alarm(rig.derived, { id: first!.id })).toEqual(first);
    expect(alarm(rig.derived, { id: 'nobody' })).toBeNull();
    expect(timeline(rig.derived, { id: 'nobody' })).toEqual({ transitions: [], lines: [], notices: [] });

    const [newest] = notices(rig.derived, { state: 'pending', limit: 1, before: null });
    expect(newest).toMatchObject({ event: 'returned', channel: 'hook', state: 'pending', attempts: [] });
    expect(notice(rig.derived, { id: newest!.id })).toEqual(newest);
    expect(notices(rig.derived, { state: 'sent', limit: 10, before: null })).toEqual([]);
    const rest = notices(rig.derived, {
      state: null,
      limit: 10,
      before: { createdAtMs: newest!.createdAtMs, id: newest!.id },
    });
    expect(rest).toHaveLength(3);

    const seqs = rig.changes.map(({ transition }) => transition.seq);
    expect(transitionsAfter(rig.derived, { seq: seqs[0]!, limit: 2 }).map(({ transition }) => transition.seq)).toEqual(
      seqs.slice(1, 3),
    );
    expect(transitionsAfter(rig.derived, { seq: 0, limit: 100 }).map(({ transition }) => transition)).toEqual(
      rig.changes.map(({ transition }) => transition),
    );
  });
});
