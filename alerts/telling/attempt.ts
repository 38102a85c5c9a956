/** One attempt: a notice through its channel. */
import type { ChannelPorts, Send, Sent } from '#alerts/channels/channel.ts';
import type { Channel } from '#model/register.ts';
import type { Item } from './lines.ts';
import { noticePayload } from './notice.ts';

export interface Post {
  channel(id: string): Channel | undefined;
  senders: Readonly<Record<Channel['kind'], Send>>;
  /** The body of a notice, as JSON less its id. */
  payload(notice: string): string;
  ports: ChannelPorts;
}

export async function attempt(item: Item, { channel: known, senders, payload, ports }: Post): Promise<Sent> {
  const channel = known(item.channel);
  if (!channel) return { outcome: 'failed-for-good', status: 'the channel was removed' };
  try {
    const { id, event, receipts } = item;
    const notice = { id, event, payload: noticePayload(id, payload(id)), receipts };
    return await senders[channel.kind](channel, notice, ports);
  } catch (error) {
    ports.log.warn(
      { event: 'notice.failed', err: error, notice: item.id, channel: item.channel },
      'a channel threw instead of answering',
    );
    return { outcome: 'failed-for-now', status: error instanceof Error ? error.message : String(error) };
  }
}
