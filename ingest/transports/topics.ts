/** The topics of contracts §3, built and taken apart in one place. */
import { CANARY_GATEWAY } from '#model/alarms/platform.ts';

/** What a gateway's topic ends in. `senml`, `hj212` and `hj212/reply` are reserved: refused until they mean something. */
const GATEWAY_LEAVES = ['readings', 'rejected', 'ledger', 'senml', 'hj212', 'hj212/reply'] as const;
type GatewayLeaf = (typeof GATEWAY_LEAVES)[number];

const GATEWAY_ROOT = 'wk/v1/';
const ALARM_ROOT = 'wk/alarms/v1/';

/** Up: a gateway's payloads. */
export const readingsTopic = (gateway: string): string => `${GATEWAY_ROOT}${gateway}/readings`;
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

/** Whether a topic of an outside broker ends as those of readings do; others of a wide subscription don't concern us. */
export const isReadingsTopic = (topic: string): boolean => /(^|\/)readings$/.test(topic);

/** The gateway of `wk/v1/{gateway}/readings`, with or without levels before it; null for any other topic. */
export function gatewayOfReadings(topic: string): string | null {
  const start = topic.lastIndexOf(GATEWAY_ROOT);
  if (start > 0 && topic[start - 1] !== '/') return null;
  const parsed = start < 0 ? null : parseGatewayTopic(topic.slice(start));
  return parsed?.leaf === 'readings' ? parsed.gateway : null;
}

/** True for a leaf that the contract knows, so that `not-yours` can say "reserved" instead of "unknown". */
export function isGatewayLeaf(leaf: string): leaf is GatewayLeaf {
  return (GATEWAY_LEAVES as readonly string[]).includes(leaf);
}

/** True for a topic or a subscription filter that stays below `wk/alarms/v1/`, whatever wildcards it has there. */
export function isAlarmTopic(topicOrFilter: string): boolean {
  return topicOrFilter.startsWith(ALARM_ROOT) && topicOrFilter.length > ALARM_ROOT.length;
}
