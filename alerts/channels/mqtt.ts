/**
 * Channel `mqtt`: the notice, as a webhook would get it, on the topic `to`. Without `to` there is nothing more to do:
 * the retained topics wk/alarms/v1/… (contracts §3) follow every alarm whatever the routes say.
 */
import type { SendOf } from './channel.ts';

type SendMqtt = SendOf<'mqtt'>;

export const sendToMqtt: SendMqtt = async (channel, notice, { publish }) => {
  if (channel.to === undefined) return { outcome: 'sent', status: 'on the retained topic' };
  try {
    await publish(channel.to, notice.payload, false);
    return { outcome: 'sent', status: 'published' };
  } catch (error) {
    return { outcome: 'failed-for-now', status: error instanceof Error ? error.message : String(error) };
  }
};
