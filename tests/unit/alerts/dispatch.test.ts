import { describe, expect, it } from 'vitest';
import type { Sent } from '#alerts/channels/channel.ts';
import { notice } from '#alerts/records/answers.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { backOffMs } from '#alerts/telling/answer.ts';
import { noticeDraft, sampleAlarm } from '#alerts/telling/notice.ts';
import { openDerived } from '#installation/derived.ts';
import type { AlarmEvent } from '#model/alarms/alarm.ts';
import type { Channel } from '#model/register.ts';
import { createDispatchRig } from '#tests/helpers/alerts/dispatch-rig.ts';

const SENT: Sent = { outcome: 'sent', status: '200' };
const BUSY: Sent = { outcome: 'failed-for-now', status: '503' };
const GONE: Sent = { outcome: 'failed-for-good', status: '410' };
const hook = (to: string): Channel => ({ kind: 'webhook', url: 'http://h/', to });

function outbox() {
  const derived = openDerived(':memory:');
  const store = openAlertStore(derived);
  let n = 0;
  return {
    derived,
    store,
    add(alarm: string | string[], event: AlarmEvent = 'raised', channel = 'hook'): string {
      const alarms = [alarm].flat().map((id) => ({ ...sampleAlarm(0), id }));
      const draft = noticeDraft({ cause: String(n++), event, channel, alarms, atMs: 0 }, null);
      store.notify(draft);
      return draft.id;
    },
    attempts: (id: string) =>
      notice(derived, { id })!.attempts.map(({ atMs, status, outcome }) => `${atMs} ${status} ${outcome}`),
    state: (id: string) => notice(derived, { id })!.state,
  };
}

describe('back-off', () => {
  it('doubles from one second to five minutes, give or take a fifth', () => {
    expect([1, 2, 3, 4, 9, 10, 60].map((tries) => backOffMs(tries, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 256_000, 300_000, 300_000,
    ]);
    expect([backOffMs(1, 0), backOffMs(1, 1), backOffMs(60, 0), backOffMs(60, 1)]).toEqual([
      800, 1200, 240_000, 360_000,
    ]);
  });
});

describe('the dispatcher', () => {
  it('sends what is pending, once, and writes it down', async () => {
    const box = outbox();
    const id = box.add('a');
    const rig = createDispatchRig(box.derived);
    const dispatcher = rig.start();
    dispatcher.wake();
    await rig.timers.advance(60_000);
    dispatcher.wake();
    await rig.timers.advance(60_000);
    expect(rig.got).toMatchObject([{ id, event: 'raised', alarm: 'a', channel: 'hook' }]);
    expect(box.attempts(id)).toEqual(['0 200 sent']);
    expect([box.state(id), dispatcher.pending()]).toEqual(['sent', 0]);
    await dispatcher.close();
  });

  it('tries again after 1, 2, 4 … s, holds up nothing else, and keeps the key', async () => {
    const box = outbox();
    const bad = box.add('a');
    const rig = createDispatchRig(box.derived, { answer: ({ alarm }, n) => (alarm === 'a' && n < 6 ? BUSY : SENT) });
    const dispatcher = rig.start();
    await rig.timers.advance(500);
    box.add('b');
    dispatcher.wake();
    await rig.timers.advance(20_000);
    expect(rig.got.filter(({ alarm }) => alarm === 'b').map(({ atMs }) => atMs)).toEqual([500]);
    expect(rig.got.filter(({ id }) => id === bad).map(({ atMs }) => atMs)).toEqual([0, 1000, 3000, 7000, 15_000]);
    expect(box.state(bad)).toBe('sent');
    await dispatcher.close();
  });

  it('heeds Retry-After instead of its own back-off', async () => {
    const box = outbox();
    box.add('a');
    const rig = createDispatchRig(box.derived, {
      answer: (_got, n) =>
        n === 1 ? { ...BUSY, retryAfterMs: 30_000 } : n === 2 ? { ...BUSY, retryAfterMs: 0 } : SENT,
    });
    const dispatcher = rig.start();
    await rig.timers.advance(120_000);
    expect(rig.got.map(({ atMs }) => atMs)).toEqual([0, 30_000, 30_800]);
    await dispatcher.close();
  });

  it('keeps the order of notices about one alarm to one channel', async () => {
    const box = outbox();
    for (const event of ['raised', 'severity-changed', 'returned'] as const) box.add('a', event);
    box.add('a', 'raised', 'other');
    const rig = createDispatchRig(box.derived, {
      answer: ({ channel }, n) => (channel === 'hook' && n < 5 ? BUSY : SENT),
      channels: { other: hook('other') },
    });
    const dispatcher = rig.start();
    await rig.timers.advance(60_000);
    const sent = rig.got.filter(({ channel }) => channel === 'hook').map(({ event }) => event);
    expect([...new Set(sent)]).toEqual(['raised', 'severity-changed', 'returned']);
    expect(sent.lastIndexOf('raised')).toBeLessThan(sent.indexOf('severity-changed'));
    expect(rig.got.find(({ channel }) => channel === 'other')!.atMs).toBe(0);
    await dispatcher.close();
  });

  it('lets a digest wait for what was said before about each of its alarms, and be waited for', async () => {
    const box = outbox();
    box.add('b', 'raised');
    box.add(['a', 'b'], 'late-found');
    box.add('a', 'withdrawn');
    let isDown = true;
    const rig = createDispatchRig(box.derived, { answer: () => (isDown ? BUSY : SENT) });
    const dispatcher = rig.start();
    await rig.timers.advance(10_000);
    expect(new Set(rig.got.map(({ event }) => event))).toEqual(new Set(['raised']));
    isDown = false;
    await rig.timers.advance(600_000);
    expect(rig.got.slice(-3).map(({ event }) => event)).toEqual(['raised', 'late-found', 'withdrawn']);
    await dispatcher.close();
  });

  it('goes on after a failure for good', async () => {
    const box = outbox();
    const first = box.add('a');
    const second = box.add('a', 'returned');
    const rig = createDispatchRig(box.derived, { answer: (_got, n) => (n === 1 ? GONE : SENT) });
    const dispatcher = rig.start();
    await rig.timers.advance(1000);
    expect([box.state(first), box.state(second)]).toEqual(['failed', 'sent']);
    expect(box.attempts(first)).toEqual(['0 410 failed-for-good']);
    await dispatcher.close();
  });

  it('fails for good when the channel is gone, and takes a throwing channel for one that is away', async () => {
    const box = outbox();
    const orphan = box.add('a', 'raised', 'nobody');
    const thrown = box.add('b');
    const rig = createDispatchRig(box.derived, {
      answer: (_got, n) => {
        if (n === 1) throw new TypeError('boom');
        return SENT;
      },
    });
    const dispatcher = rig.start();
    await rig.timers.advance(5000);
    expect(box.attempts(orphan)).toEqual(['0 the channel was removed failed-for-good']);
    expect(box.attempts(thrown).map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'boom failed-for-now',
      '200 sent',
    ]);
    await dispatcher.close();
  });

  it("has at most four notices of a channel on their way, and other channels don't wait", async () => {
    const box = outbox();
    for (let n = 0; n < 10; n++) box.add(`a${n}`);
    box.add('z', 'raised', 'other');
    const held: (() => void)[] = [];
    const rig = createDispatchRig(box.derived, {
      answer: ({ channel }) => (channel === 'other' ? SENT : new Promise((resolve) => held.push(() => resolve(SENT)))),
      channels: { other: hook('other') },
    });
    const dispatcher = rig.start();
    await rig.timers.advance(100);
    expect(rig.got.map(({ channel }) => channel).sort()).toEqual([...Array(4).fill('hook'), 'other']);
    while (held.length > 0) {
      held.shift()!();
      await rig.timers.advance(100);
      expect(held.length).toBeLessThanOrEqual(4);
    }
    expect(rig.got).toHaveLength(11);
    await dispatcher.close();
  });

  it('gives up after a week, and says so', async () => {
    const box = outbox();
    const id = box.add('a');
    const rig = createDispatchRig(box.derived, { answer: () => BUSY });
    const dispatcher = rig.start();
    await rig.timers.advance(8 * 86_400_000);
    expect(box.state(id)).toBe('failed');
    expect(box.attempts(id).at(-1)).toContain('given up after a week failed-for-good');
    expect(dispatcher.pending()).toBe(0);
    await dispatcher.close();
  });

  it('sends again what is resent', async () => {
    const box = outbox();
    const id = box.add('a');
    const rig = createDispatchRig(box.derived, { answer: (_got, n) => (n === 1 ? GONE : SENT) });
    const dispatcher = rig.start();
    await rig.timers.advance(1000);
    box.store.resend(id, 0);
    dispatcher.wake();
    await rig.timers.advance(1000);
    expect(rig.got.map((got) => got.id)).toEqual([id, id]);
    expect(box.state(id)).toBe('sent');
    expect(box.store.resend('nobody', 0)).toBe(false);
    await dispatcher.close();
  });

  it('stops at once, leaves what it broke off pending, and resumes with its waits', async () => {
    const box = outbox();
    const stuck = box.add('a');
    const waiting = box.add('b');
    const rig = createDispatchRig(box.derived, {
      answer: ({ alarm }) => (alarm === 'b' ? BUSY : new Promise((resolve) => setImmediate(() => resolve(BUSY)))),
    });
    const first = rig.start();
    await rig.timers.advance(10);
    await first.close();
    await first.close();
    expect([box.state(stuck), box.attempts(stuck)]).toEqual(['pending', []]);
    expect(box.attempts(waiting)).toEqual(['0 503 failed-for-now']);
    rig.answer = () => SENT;
    const second = rig.start();
    await rig.timers.advance(500);
    expect(rig.got.slice(2).map(({ alarm }) => alarm)).toEqual(['a']);
    await rig.timers.advance(1000);
    expect(rig.got.slice(3)).toMatchObject([{ alarm: 'b', atMs: 1000 }]);
    await second.close();
  });
});
