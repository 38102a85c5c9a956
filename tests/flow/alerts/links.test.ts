/** Acknowledgement links in notices: who gets one, that it is the same at every replay, and how it reaches people. */
import { describe, expect, it } from 'vitest';
import { sendToLog } from '#alerts/channels/log.ts';
import { composeMessage, placeholderTexts } from '#alerts/templates/message.ts';
import { html, markdown, plainText } from '#alerts/templates/render.ts';
import { LINK_LIFE_MS } from '#model/alarms/acknowledge-link.ts';
import { channelPorts } from '#tests/helpers/alerts/channel-notice.ts';
import { createOutboxRig, GONE, hook } from '#tests/helpers/alerts/outbox-rig.ts';
import { type AlertsRig, createWeirRig, linkSigner, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const PREFIX = 'https://wells.example/a/';

function links(rig: AlertsRig): [string, string | undefined][] {
  return rig.notices().map(({ event, payload }) => [event, payload.acknowledgeUrl as string | undefined]);
}

async function worsening(): Promise<AlertsRig> {
  const rig = createWeirRig();
  await rig.send({ at: 0, value: 0.8 });
  await rig.send({ at: 5, value: 3 });
  const [alarm] = rig.alarms();
  await rig.at(6).command({ verb: 'acknowledge', alarm: alarm!.id }).apply();
  await rig.send({ at: 10, value: 0.8 });
  await rig.send({ at: 15, value: 0.1 });
  return rig;
}

describe('a notice that asks for somebody', () => {
  it('carries a link of its own for its alarm and channel, good for a day; no other notice does', async () => {
    const rig = await worsening();
    const found = links(rig);
    expect(found.map(([event, link]) => [event, link !== undefined])).toEqual([
      ['raised', true],
      ['severity-changed', true],
      ['acknowledged', false],
      // Somebody has it in hand.
      ['severity-changed', false],
      ['cleared', false],
    ]);
    const claims = found.slice(0, 2).map(([, link]) => linkSigner.verify(link!.slice(PREFIX.length)));
    const alarm = rig.alarms()[0]!.id;
    expect(claims[0]).toEqual({
      alarm,
      channel: 'hook',
      notice: expect.stringMatching(/^[0-9a-f]{12}$/),
      sentMs: T0,
      untilMs: T0 + LINK_LIFE_MS,
    });
    expect(claims[1]).toMatchObject({ alarm, channel: 'hook', sentMs: T0 + 5 * MINUTE });
    expect(claims[1]!.notice).not.toBe(claims[0]!.notice);
    // A telephone shows a link of this length in two parts of a text message.
    expect(found[0]![1]!.length).toBeLessThan(PREFIX.length + 140);
  });

  it('is the same at every replay', async () => {
    const [once, again] = [await worsening(), await worsening()];
    expect(once.notices()).toEqual(again.notices());
  });

  it('has the link in every text, and not in the log', async () => {
    const rig = await worsening();
    const { payload } = rig.notices()[0]!;
    const notice = { id: 'n', event: 'raised' as const, payload: JSON.stringify(payload) };
    const link = payload.acknowledgeUrl as string;
    const message = composeMessage(notice, 'zh');
    expect(plainText(message)).toContain(`\n确认收到：${link}\n查看详情：https://wells.example/#/alarms/`);
    expect(markdown(message, '\n')).toContain(`[确认收到](${link})`);
    expect(html(composeMessage(notice, 'en'))).toContain(`<a href="${link}">Acknowledge</a>`);
    expect(placeholderTexts(notice, 'en').acknowledgeUrl).toBe(link);
    const lines: object[] = [];
    const log = { info: (fields: object) => lines.push(fields), warn: () => {} };
    await sendToLog({ kind: 'log' }, notice, channelPorts({ log }));
    expect(JSON.stringify(lines)).toContain('"event":"raised"');
    expect(JSON.stringify(lines)).not.toContain('/a/');
  });

  it('acknowledges as the channel that took it over', async () => {
    const story = await worsening();
    const rig = createOutboxRig(
      { hook: hook('hook', { fallback: 'spare' }), spare: hook('spare') },
      {
        derived: story.derived,
        answer: ({ channel }) => (channel === 'hook' ? GONE : { outcome: 'sent', status: '' }),
      },
    );
    rig.linkSigner = linkSigner;
    rig.start();
    await rig.advance(60_000);
    const told = rig.deliveries.filter(({ channel }) => channel === 'spare');
    const link = told[0]!.payload.acknowledgeUrl!;
    expect(linkSigner.verify(link.slice(PREFIX.length))).toMatchObject({
      alarm: told[0]!.payload.alarm.id,
      channel: 'spare',
      notice: told[0]!.id.slice(0, 12),
    });
    await rig.close();
  });
});
