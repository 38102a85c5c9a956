/** Who may log in to the embedded broker, and what each may publish and read (contracts §3). */

import type { Control } from '#journal/registers.ts';
import type { Fault } from '#model/faults.ts';
import { hashToken, type LogInLimit, type PasswordVerifier } from '#setting/secrets.ts';
import type { GatewayTopics } from './gateway-topics.ts';
import {
  isAlarmTopic,
  isGatewayLeaf,
  isPayloadLeaf,
  ledgerTopic,
  parseGatewayTopic,
  readingsTopic,
  rejectedTopic,
  replyTopic,
} from './topics.ts';

/** An authenticated client. `readings` = the topic that nearly all of a gateway's payloads come on; `key` = the token's hash. */
export type Session =
  | { kind: 'gateway'; gateway: string; passwordHash: string; readings: string }
  | { kind: 'viewer'; key: string };

/** The username under which people and dashboards log in with an API token as the password; no gateway's id. */
export const TOKEN_USER = 'token';
const TOPIC_SHOWN = 200;

export interface Credentials {
  username: string | undefined;
  password: string;
  address: string;
}

export interface Access {
  control: Control;
  verifier: PasswordVerifier;
  logIns: LogInLimit;
  checkViewer: (token: string) => boolean | Promise<boolean>;
}

/** `limited`: refused unchecked, since this address has failed too often lately. */
export type LogIn = Session | 'wrong' | 'limited';

/** Checks a client's credentials; takes as long for a name that nobody has as for a wrong password. */
export async function logIn(access: Access, { username, password, address }: Credentials): Promise<LogIn> {
  const { control, verifier, logIns, checkViewer } = access;
  const passwordHash = username === undefined ? undefined : control.get('gateway', username)?.passwordHash;
  // What was verified before passes the limit, or one misconfigured gateway would lock out all others of its address.
  if (!verifier.knows(password, passwordHash) && !logIns.allows(address)) return 'limited';
  // First: a gateway that got this id when it could mustn't lock readers out.
  if (username === TOKEN_USER && (await checkViewer(password))) return { kind: 'viewer', key: hashToken(password) };
  if (username !== undefined && (await verifier.verify(password, passwordHash))) {
    // The password may have been changed, or the gateway deleted, while this one was being verified.
    const gateway = control.get('gateway', username);
    if (gateway && gateway.passwordHash === passwordHash) {
      return { kind: 'gateway', gateway: username, passwordHash, readings: readingsTopic(username) };
    }
  }
  logIns.failed(address);
  return 'wrong';
}

/** The leaf of a topic that this session publishes payloads to; null for every other. */
export function payloadLeafOf(session: Session, topic: string): string | null {
  if (session.kind !== 'gateway') return null;
  if (topic === session.readings) return 'readings';
  const parsed = parseGatewayTopic(topic);
  return parsed?.gateway === session.gateway && isPayloadLeaf(parsed.leaf) ? parsed.leaf : null;
}

/** Null when the session may publish to this topic, one of ours or of its own; otherwise why not. */
export function publishFault(session: Session, topic: string, topics: GatewayTopics): Fault | null {
  if (session.kind === 'gateway' && payloadLeafOf(session, topic) !== null) return null;
  if (session.kind === 'gateway' && topics.isOwn(session.gateway, topic)) return null;
  return { code: 'topic.not-yours', message: refusalOf(session, topic) };
}

function refusalOf(session: Session, topic: string): string {
  const shown = topic.length > TOPIC_SHOWN ? `${topic.slice(0, TOPIC_SHOWN)}…` : topic;
  if (session.kind === 'viewer') return `A token may read alarms and publish nothing, so nothing to ${shown}`;
  const parsed = parseGatewayTopic(topic);
  if (parsed && parsed.gateway !== session.gateway) {
    return `${shown} belongs to gateway ${parsed.gateway}; this one is ${session.gateway}`;
  }
  if (parsed && isGatewayLeaf(parsed.leaf)) return `${shown} is reserved; readings go to ${session.readings}`;
  return `${shown} is no topic to publish to; readings go to ${session.readings}, or to what \`topics\` of the gateway names`;
}

/** True when the session may subscribe to this filter, or be sent a message of this topic. */
export function mayRead(session: Session, topicOrFilter: string, topics: GatewayTopics): boolean {
  if (session.kind === 'viewer') return isAlarmTopic(topicOrFilter);
  // Where nobody but the service says anything: what it commands is all that comes.
  if (topics.isOwn(session.gateway, topicOrFilter)) return true;
  const own = [rejectedTopic(session.gateway), ledgerTopic(session.gateway), replyTopic(session.gateway)];
  return own.includes(topicOrFilter);
}
