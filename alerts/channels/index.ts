/** The channels that there are. A new kind is one line here, a schema in model/channel.ts, and a file. */
import type { Channel } from '#model/register.ts';
import type { SendOf } from './channel.ts';
import { sendToDingtalk } from './dingtalk.ts';
import { sendToEmail } from './email.ts';
import { sendToFeishu } from './feishu.ts';
import { sendToLog } from './log.ts';
import { sendToMqtt } from './mqtt.ts';
import { sendToSms } from './sms.ts';
import { sendToWebhook } from './webhook.ts';
import { sendToWecom } from './wecom.ts';

export const SENDERS: { readonly [K in Channel['kind']]: SendOf<K> } = {
  webhook: sendToWebhook,
  mqtt: sendToMqtt,
  log: sendToLog,
  email: sendToEmail,
  wecom: sendToWecom,
  dingtalk: sendToDingtalk,
  feishu: sendToFeishu,
  sms: sendToSms,
};
