/**
 * Channel `email`: one message, plain text with an HTML alternative, to all addresses of the channel over one SMTP
 * session (RFC 5321). Each address has its own outcome, and one that has the message isn't sent it again. Message-ID is
 * made of the notice's id, so that a mailbox recognises a message that came twice; References of the alarm's, so that
 * mail programs show what happened to an alarm in one thread.
 */
import { recipientsOf } from '#model/alarms/channel.ts';
import { payloadOf } from '../templates/message.ts';
import { html, oneLine, plainText } from '../templates/render.ts';
import { overall, type SendOf, unsettled } from './channel.ts';
import { messageFor } from './robot.ts';
import { createDeliver, type Deliver } from './smtp.ts';

/** Ids hold letters, digits and dashes; whatever else one might hold doesn't belong into a Message-ID. */
const idPart = (id: string) => id.replace(/[^A-Za-z0-9._-]/g, '-');

export function createEmail(deliver: Deliver): SendOf<'email'> {
  return async (channel, notice, ports) => {
    const all = recipientsOf(channel.to);
    const message = messageFor(channel, notice, ports);
    const { alarm } = payloadOf(notice);
    const domain = channel.from.slice(channel.from.lastIndexOf('@') + 1);
    const receipts = await deliver(
      channel,
      {
        from: channel.from,
        to: unsettled(all, notice),
        subject: oneLine(message.title),
        text: plainText(message),
        html: html(message),
        messageId: `<${idPart(notice.id)}@${domain}>`,
        references: `<alarm-${idPart(alarm.id)}@${domain}>`,
        // RFC 3834 §5: no out-of-office answers to a machine.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Wellkeeper-Notice': idPart(notice.id) },
        isUrgent: message.isUrgent,
      },
      ports,
    );
    return overall(all, notice.receipts, receipts);
  };
}

export const sendToEmail: SendOf<'email'> = createEmail(createDeliver());
