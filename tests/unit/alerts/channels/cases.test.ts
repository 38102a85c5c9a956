/** What users of neighbouring systems complain about in their notices, each test named after its thread. */
import { describe, expect, it } from 'vitest';
import { composeMessage } from '#alerts/templates/message.ts';
import { plainText } from '#alerts/templates/render.ts';
import { BUSY, createOutboxRig, GONE, hook, SENT } from '#tests/helpers/alerts/outbox-rig.ts';

const MINUTE = 60_000;

describe('cases', () => {
  it('grafana#7886: 60 mails and texts in 4 hours; here a storm of 60 in a minute is a handful', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 5 }) });
    rig.start();
    const ids: string[] = [];
    for (let n = 0; n < 60; n++) {
      ids.push(rig.add(`a${n % 6}`, n % 2 === 0 ? 'raised' : 'cleared'));
      rig.wake();
      await rig.advance(1000);
    }
    await rig.advance(2 * MINUTE);
    expect(rig.deliveries.length).toBeLessThanOrEqual(10);
    expect(rig.told().sort()).toEqual(ids.sort());
    await rig.close();
  });

  it('grafana/alerting#156: pending notifications lost on restart; here they are sent by the next life', async () => {
    const rig = createOutboxRig({ hook: hook('hook') }, { answer: () => BUSY });
    const ids = [rig.add('a'), rig.add('b')];
    rig.start();
    await rig.advance(3000);
    await rig.close();
    rig.answer = () => SENT;
    rig.start();
    await rig.advance(5 * MINUTE);
    expect(rig.told().sort()).toEqual(ids.sort());
    await rig.close();
  });

  it('kapacitor#744: after a restart the state fires again or the OK is never sent; here each goes once', async () => {
    const rig = createOutboxRig({ hook: hook('hook') });
    const raised = rig.add('a');
    rig.start();
    await rig.advance(1000);
    await rig.close();
    const cleared = rig.add('a', 'cleared');
    rig.start();
    await rig.advance(1000);
    await rig.close();
    rig.start();
    await rig.advance(MINUTE);
    expect(rig.deliveries.map(({ id }) => id)).toEqual([raised, cleared]);
    await rig.close();
  });

  it('grafana#58386: a database outage is hundreds of mails; here hundreds at once are one', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 30 }) });
    const ids = Array.from({ length: 400 }, (_, n) => rig.add(`a${n}`));
    rig.start();
    await rig.advance(1000);
    expect(rig.deliveries).toHaveLength(1);
    expect(rig.told()).toEqual(ids);
    await rig.close();
  });

  it('grafana#101989: group mails are truncated; here the text says how much it leaves out, and the record has all', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 1 }) });
    const ids = Array.from({ length: 250 }, (_, n) => rig.add(`a${n}`));
    rig.start();
    await rig.advance(1000);
    const [summary] = rig.deliveries;
    const text = plainText(composeMessage({ payload: JSON.stringify(summary!.payload) }, 'en'));
    const listed = text.split('\n').filter((line) => line.startsWith('· ')).length;
    expect([listed, text.includes(`${250 - listed} more are not listed`)]).toEqual([100, true]);
    expect(summary!.payload.told!.map(({ notice }) => notice)).toEqual(ids);
    expect(rig.row(ids[249]!).summary).toBe(summary!.id);
    await rig.close();
  });

  it('alertmanager#172: what was sent, when, to whom? every attempt is at the alarm', async () => {
    const rig = createOutboxRig(
      { hook: hook('hook', { fallback: 'spare', fallbackAfter: 2 }), spare: hook('spare') },
      { answer: ({ channel }) => (channel === 'hook' ? BUSY : SENT) },
    );
    rig.add('a');
    rig.start();
    await rig.advance(MINUTE);
    expect(
      rig.timeline('a').map(({ channel, state, fallback, attempts }) => ({
        channel,
        state,
        fallback,
        attempts: attempts.map(({ atMs, status, outcome }) => `${atMs} ${status} ${outcome}`),
      })),
    ).toEqual([
      {
        channel: 'hook',
        state: 'failed',
        fallback: 'spare',
        attempts: ['0 503 failed-for-now', '1000 503; given to spare after 2 attempts failed-for-good'],
      },
      { channel: 'spare', state: 'sent', fallback: null, attempts: ['1005 200 sent'] },
    ]);
    await rig.close();
  });

  it('alertmanager#1494: one failing receiver and all are sent it again; here only the one', async () => {
    const channels = { one: hook('one'), two: hook('two'), three: hook('three') };
    const rig = createOutboxRig(channels, { answer: ({ channel }, n) => (channel === 'two' && n < 8 ? BUSY : SENT) });
    for (const channel of ['one', 'two', 'three']) rig.add('a', 'raised', channel);
    rig.start();
    await rig.advance(5 * MINUTE);
    const to = (name: string) => rig.deliveries.filter(({ channel }) => channel === name).length;
    expect([to('one'), to('two') > 1, to('three')]).toEqual([1, true, 1]);
    await rig.close();
  });

  it('alertmanager#3359: a fallback receiver', async () => {
    const rig = createOutboxRig(
      { hook: hook('hook', { fallback: 'spare' }), spare: hook('spare') },
      { answer: ({ channel }) => (channel === 'hook' ? GONE : SENT) },
    );
    rig.add('a');
    rig.start();
    await rig.advance(1000);
    expect(rig.deliveries.map(({ channel, sent }) => [channel, sent.outcome])).toEqual([
      ['hook', 'failed-for-good'],
      ['spare', 'sent'],
    ]);
    await rig.close();
  });
});
