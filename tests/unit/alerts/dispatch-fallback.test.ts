/** Who takes over when a channel can't tell anybody, what becomes a dead letter, and what a resend sends. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noticesDdl } from '#alerts/records/tables.ts';
import { sampleAlarm } from '#alerts/telling/notice.ts';
import { derivedMigrations, openDerived } from '#installation/derived.ts';
import { openDatabase } from '#src/sqlite.ts';
import { BUSY, createOutboxRig, GONE, hook, SENT } from '#tests/helpers/alerts/outbox-rig.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const MINUTE = 60_000;
const pair = (more = {}) => ({ hook: hook('hook', { fallback: 'spare', ...more }), spare: hook('spare') });
const onHook = (bad: typeof BUSY) => ({
  answer: ({ channel }: { channel: string }) => (channel === 'hook' ? bad : SENT),
});

describe('a fallback', () => {
  it('takes over at once what has failed for good', async () => {
    const rig = createOutboxRig(pair(), onHook(GONE));
    const id = rig.add('a');
    rig.start();
    await rig.advance(100);
    expect(rig.deliveries.map(({ channel, payload }) => [channel, payload.event, payload.alarm.id])).toEqual([
      ['hook', 'raised', 'a'],
      ['spare', 'raised', 'a'],
    ]);
    expect(rig.row(id)).toMatchObject({
      state: 'failed',
      fallback: 'spare',
      attempts: [{ outcome: 'failed-for-good' }],
    });
    expect([rig.list('dead'), rig.list('failed')]).toEqual([[], [id]]);
    expect(rig.timeline('a').map(({ channel, state }) => [channel, state])).toEqual([
      ['hook', 'failed'],
      ['spare', 'sent'],
    ]);
    await rig.close();
  });

  it('takes over what has failed for now, after so many attempts', async () => {
    const rig = createOutboxRig(pair({ fallbackAfter: 3 }), onHook(BUSY));
    const id = rig.add('a');
    rig.start();
    await rig.advance(2900);
    expect(rig.deliveries.map(({ channel }) => channel)).toEqual(['hook', 'hook']);
    await rig.advance(1000);
    expect(rig.deliveries.map(({ channel, atMs }) => [channel, atMs]).slice(2)).toMatchObject([
      ['hook', expect.any(Number)],
      ['spare', expect.any(Number)],
    ]);
    expect(rig.row(id).attempts.at(-1)!.status).toBe('503; given to spare after 3 attempts');
    await rig.advance(24 * 3_600_000);
    expect(rig.deliveries).toHaveLength(4);
    await rig.close();
  });

  it('keeps the order of what is said about an alarm', async () => {
    const rig = createOutboxRig(pair({ fallbackAfter: 2 }), onHook(BUSY));
    for (const event of ['raised', 'acknowledged', 'cleared'] as const) rig.add('a', event);
    rig.start();
    await rig.advance(MINUTE);
    const spare = rig.deliveries.filter(({ channel }) => channel === 'spare');
    expect(spare.map(({ payload }) => payload.event)).toEqual(['raised', 'acknowledged', 'cleared']);
    await rig.close();
  });

  it('tells nothing that it was told of by a route of its own', async () => {
    const rig = createOutboxRig(pair(), onHook(GONE));
    const alarms = [{ ...sampleAlarm(0), id: 'a' }];
    const own = rig.tell('12/0', 'raised', 'spare', alarms);
    const failing = rig.tell('12/0', 'raised', 'hook', alarms);
    const other = rig.tell('13/0', 'raised', 'hook', alarms);
    rig.start();
    await rig.advance(1000);
    const spare = rig.deliveries.filter(({ channel }) => channel === 'spare').map(({ id }) => id);
    expect(spare).toHaveLength(2);
    expect(spare[0]).toBe(own);
    expect([rig.row(failing).fallback, rig.row(other).fallback]).toEqual(['spare', 'spare']);
    await rig.close();
  });

  it('is handed the notices of a summary that failed, and groups them by its own limit', async () => {
    const channels = {
      hook: hook('hook', { perMinute: 1, fallback: 'spare' }),
      spare: hook('spare', { perMinute: 9 }),
    };
    const rig = createOutboxRig(channels, onHook(GONE));
    const ids = ['a', 'b', 'c'].map((alarm) => rig.add(alarm));
    rig.start();
    await rig.advance(1000);
    const [summary, ...spare] = rig.deliveries;
    expect(summary!.payload.told!.map(({ notice }) => notice)).toEqual(ids);
    expect(spare.map(({ channel, payload }) => [channel, payload.alarm.id])).toEqual([
      ['spare', 'a'],
      ['spare', 'b'],
      ['spare', 'c'],
    ]);
    expect(rig.row(summary!.id)).toMatchObject({ state: 'failed', fallback: 'spare' });
    expect(rig.list('dead')).toEqual([]);
    await rig.close();
  });

  it('may have one itself, and a circle ends in a dead letter', async () => {
    const channels = { hook: hook('hook', { fallback: 'spare' }), spare: hook('spare', { fallback: 'hook' }) };
    const rig = createOutboxRig(channels, { answer: () => GONE });
    rig.add('a');
    rig.start();
    await rig.advance(MINUTE);
    expect(rig.deliveries.map(({ channel }) => channel)).toEqual(['hook', 'spare']);
    expect(rig.list('dead')).toEqual([rig.deliveries[1]!.id]);
    await rig.close();
  });

  it('is not asked for a test, nor when it is gone', async () => {
    const rig = createOutboxRig(
      { hook: hook('hook', { fallback: 'nobody' }), sure: hook('sure', { fallback: 'hook' }) },
      {
        answer: () => GONE,
      },
    );
    const [test, lost] = [rig.add('t', 'test', 'sure'), rig.add('a')];
    rig.start();
    await rig.advance(1000);
    expect(rig.deliveries.map(({ channel }) => channel).sort()).toEqual(['hook', 'sure']);
    expect(rig.list('dead').sort()).toEqual([test, lost].sort());
    await rig.close();
  });
});

describe('a channel with several recipients', () => {
  const half = {
    outcome: 'failed-for-now',
    status: '1 of 2 have it',
    receipts: [
      { to: 'x', outcome: 'sent', status: '250' },
      { to: 'y', outcome: 'failed-for-now', status: '451' },
    ],
  } as const;

  it('remembers across a restart who has it', async () => {
    const rig = createOutboxRig(
      { hook: hook('hook') },
      { answer: (_, n) => (n === 1 ? { ...half, receipts: [...half.receipts] } : SENT) },
    );
    const id = rig.add('a');
    rig.start();
    await rig.advance(500);
    await rig.close();
    rig.start();
    await rig.advance(2000);
    expect(rig.deliveries.map(({ receipts }) => [...(receipts ?? [])])).toEqual([
      [],
      [
        ['x', 'sent'],
        ['y', 'failed-for-now'],
      ],
    ]);
    expect(rig.row(id).receipts).toMatchObject([half.receipts[0], half.receipts[1]]);
    await rig.close();
  });

  it('is a dead letter, but no matter for the fallback, when only some can never be reached', async () => {
    const partly = {
      ...half,
      outcome: 'failed-for-good',
      receipts: [half.receipts[0], { to: 'y', outcome: 'failed-for-good', status: '550' }],
    } as const;
    const rig = createOutboxRig(pair(), {
      answer: ({ channel }) => (channel === 'hook' ? { ...partly, receipts: [...partly.receipts] } : SENT),
    });
    const id = rig.add('a');
    rig.start();
    await rig.advance(1000);
    expect(rig.deliveries.map(({ channel }) => channel)).toEqual(['hook']);
    expect(rig.list('dead')).toEqual([id]);
    // Sent again, it goes to those whom it hasn't reached; once it was sent, to everybody.
    rig.answer = () => SENT;
    rig.resend(id);
    rig.wake();
    await rig.advance(1000);
    expect([...rig.deliveries[1]!.receipts!]).toEqual([['x', 'sent']]);
    rig.resend(id);
    rig.wake();
    await rig.advance(1000);
    expect([...rig.deliveries[2]!.receipts!]).toEqual([]);
    expect(rig.deliveries.map((one) => one.id)).toEqual([id, id, id]);
    await rig.close();
  });
});

describe('dead letters', () => {
  it('are what failed for good with nobody to take over, until they are sent again', async () => {
    const rig = createOutboxRig({ hook: hook('hook') }, { answer: (_, n) => (n === 1 ? GONE : SENT) });
    const id = rig.add('a');
    rig.start();
    await rig.advance(1000);
    expect(rig.list('dead')).toEqual([id]);
    expect(rig.resend(id)).toBe(true);
    expect(rig.list('dead')).toEqual([]);
    expect(rig.resend(id)).toBe(false);
    rig.wake();
    await rig.advance(1000);
    expect(rig.row(id)).toMatchObject({ state: 'sent', attempts: [{ status: '410' }, { status: '200' }] });
    await rig.close();
  });

  it('wait no longer than an hour for a clock that was set back while the service was away', async () => {
    const rig = createOutboxRig({ hook: hook('hook') }, { answer: (_, n) => (n === 1 ? BUSY : SENT) });
    rig.add('a');
    rig.start();
    await rig.advance(500);
    await rig.close();
    rig.clock.set(rig.clock.nowMs() - 30 * 86_400_000);
    rig.start();
    await rig.advance(3_600_000);
    expect(rig.told()).toHaveLength(1);
    await rig.close();
  });
});

describe('notices of an earlier version', () => {
  it('are sent, never grouped, since nobody knows whether they were begun, and told by a fallback each on its own', async () => {
    const { path, remove } = makeTempDir();
    onTestFinished(remove);
    const file = join(path, 'derived.db');
    const earlier = openDatabase(file, derivedMigrations.slice(0, derivedMigrations.indexOf(noticesDdl)));
    const insert = earlier.prepare(
      `INSERT INTO notice (id, position, channel, event, createdAtMs, state, nextAtMs, tries, alarms, payload)
       VALUES (?, ?, 'hook', 'raised', 0, 'pending', 0, 0, '["a"]', ?)`,
    );
    const payload = JSON.stringify({ event: 'raised', alarm: { id: 'a', severity: 'minor' } });
    for (const n of [1, 2, 3]) insert.run(`old-${n}`, n, payload);
    earlier.close();
    const derived = openDerived(file);
    const rig = createOutboxRig(pair({ perMinute: 2 }), { ...onHook(GONE), derived });
    rig.start();
    await rig.advance(2 * MINUTE);
    await rig.close();
    derived.close();
    const at = (name: string) => rig.deliveries.filter(({ channel }) => channel === name);
    expect(at('hook').map(({ id }) => id)).toEqual(['old-1', 'old-2', 'old-3']);
    expect(new Set(at('spare').map(({ id }) => id)).size).toBe(3);
  });
});
