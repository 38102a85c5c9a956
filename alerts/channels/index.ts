/** The channels that there are. A new kind is one line here, one in the register's schema, and a file. */
import type { Channel } from '#model/register.ts';
import type { Send } from './channel.ts';
import { sendToLog } from './log.ts';
import { sendToMqtt } from './mqtt.ts';
import { sendToWebhook } from './webhook.ts';

export const SENDERS: Readonly<Record<Channel['kind'], Send>> = {
  webhook: sendToWebhook,
  mqtt: sendToMqtt,
  log: sendToLog,
};
