/** The topics of contracts §3, built and taken apart in one place. */
import { TOPIC_FORMATS } from '#ingest/codecs/index.ts';
import { CANARY_GATEWAY } from '#model/alarms/platform.ts';

/** What a gateway's topic ends in. */
const GATEWAY_LEAVES = ['readings', 'rejected', 'ledger', 'senml', 'hj212', 'hj212/reply'] as const;
type GatewayLeaf = (typeof GATEWAY_LEAVES)[number];

/** Those of them that a gateway publishes its payloads to. */
const PAYLOAD_LEAVES = ['readings', ...Object.keys(TOPIC_FORMATS)];
export const isPayloadLeaf = (leaf: string): boolean => PAYLOAD_LEAVES.includes(leaf);

const GATEWAY_ROOT = 'wk/v1/';
const ALARM_ROOT = 'wk/alarms/v1/';

/** Up: a gateway's payloads. */
export const readingsTopic = (gateway: string): string => `${GATEWAY_ROOT}${gateway}/readings`;
/** Up: all topics that a gateway publishes its payloads to. */
export const payloadTopics = (gateway: string): string[] =>
  PAYLOAD_LEAVES.map((leaf) => `${GATEWAY_ROOT}${gateway}/${leaf}`);
/** Down: what a station is answered in its own protocol (HJ 212: 9013, 9014). */
export const replyTopic = (gateway: string): string => `${GATEWAY_ROOT}${gateway}/hj212/reply`;
/** Down: `{ code, message, at, quarantineId, path? }` for what was refused. */
export const rejectedTopic = (gateway: string): string => `${GATEWAY_ROOT}${gateway}/rejected`;
/** Down, retained: the gateway's ledger. */
export const ledgerTopic = (gateway: string): string => `${GATEWAY_ROOT}${gateway}/ledger`;
/** Out, retained until cleared: an alarm; platform alarms use station `_platform`. */
export const alarmTopic = (station: string, alarmId: string): string => `${ALARM_ROOT}${station}/${alarmId}`;
/** No gateway's: what the service tries an outside broker with (contracts §7). It has a dot on purpose. */
export const CANARY_TOPIC = readingsTopic(CANARY_GATEWAY);
/** As a broker that makes levels of dots hands it on. */
const SPLIT_CANARY_TOPIC = CANARY_TOPIC.replace('.', '/');
export const isCanaryTopic = (topic: string): boolean => topic === CANARY_TOPIC || topic === SPLIT_CANARY_TOPIC;
/** Mosquitto's own: messages that it has dropped since it began, for queues that were full. */
export const DROPPED_TOPIC = '$SYS/broker/publish/messages/dropped';

/** Every alarm. */
export const ALARMS_FILTER = `${ALARM_ROOT}#`;

/** The gateway and the leaf of `wk/v1/{gateway}/{leaf}`; null for any other topic and for an id that can't be one. */
export function parseGatewayTopic(topic: string): { gateway: string; leaf: string } | null {
  if (!topic.startsWith(GATEWAY_ROOT)) return null;
  const slash = topic.indexOf('/', GATEWAY_ROOT.length);
  if (slash < 0) return null;
  const gateway = topic.slice(GATEWAY_ROOT.length, slash);
  const leaf = topic.slice(slash + 1);
  return /^[A-Za-z0-9._-]{1,64}$/.test(gateway) && leaf !== '' ? { gateway, leaf } : null;
}

/** Whether a topic of an outside broker ends as those of payloads do; others of a wide subscription don't concern us. */
export const isPayloadTopic = (topic: string): boolean => isPayloadLeaf(topic.slice(topic.lastIndexOf('/') + 1));

/** The gateway and leaf of `wk/v1/{gateway}/readings` and the like, with or without levels before it; null for any other topic. */
export function parsePayloadTopic(topic: string): { gateway: string; leaf: string } | null {
  const start = topic.lastIndexOf(GATEWAY_ROOT);
  if (start > 0 && topic[start - 1] !== '/') return null;
  const parsed = start < 0 ? null : parseGatewayTopic(topic.slice(start));
  return parsed && isPayloadLeaf(parsed.leaf) ? parsed : null;
}

/** True for a leaf that the contract knows, so that `not-yours` can say "reserved" instead of "unknown". */
export function isGatewayLeaf(leaf: string): leaf is GatewayLeaf {
  return (GATEWAY_LEAVES as readonly string[]).includes(leaf);
}

/** True for a topic or a subscription filter that stays below `wk/alarms/v1/`, whatever wildcards it has there. */
export function isAlarmTopic(topicOrFilter: string): boolean {
  return topicOrFilter.startsWith(ALARM_ROOT) && topicOrFilter.length > ALARM_ROOT.length;
}
