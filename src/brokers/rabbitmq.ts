/**
 * Definitions and settings for RabbitMQ's MQTT plugin (3.10 and later). It hands topics to AMQP: levels are separated by
 * dots there, so that a dot in a gateway's id would be a level of its own, and rights are regular expressions over that.
 * A session is a queue `mqtt-subscription-{client id}qos{0,1}`; who may make it is bound to the user name here, or one
 * gateway could take another's session, or ours.
 */
import {
  type BrokerAccess,
  type BrokerFiles,
  type BrokerUser,
  gatewayRights,
  mayRead,
  mayWrite,
  NOT_KEPT,
  ownRights,
  type Right,
  serviceRights,
  sorted,
  usersOf,
} from './access.ts';

const VHOST = '/';
const EXCHANGE = 'amq.topic';
/** A session that nobody comes back to; RabbitMQ's own default is a day. The longest that it takes is 49 days. */
const SESSION_DAYS = 30;
/** Nothing matches it. */
const NOTHING = '^$';

export function rabbitmqFiles(access: BrokerAccess): BrokerFiles {
  const { gone, service, topics, clientId } = access;
  const gateways = access.gateways.map(withUndotted);
  const { entries, leftOut } = sorted(usersOf({ gateways, service }), (user) => {
    if (user.id.includes('.') && user !== service) return 'RabbitMQ makes two levels of a dot: use an id without one';
    return user.otherHashes ? { hash: user.otherHashes.sha256 } : NOT_KEPT;
  });
  const rights = entries.map(({ user }) =>
    user === service
      ? rightsOf(user, clientId, serviceRights(topics, gateways))
      : rightsOf(user, user.id, [...gatewayRights(user.id), ...ownRights(user)]),
  );
  const definitions = {
    vhosts: [{ name: VHOST }],
    users: [
      ...entries.map(({ user, entry }) => userOf(user.id, entry.hash)),
      // What is imported is added: without a password nobody logs in as one who is gone.
      ...gone.filter((id) => id !== service.id).map((id) => userOf(id, '')),
    ],
    permissions: rights.map(({ permissions }) => permissions),
    topic_permissions: rights.map(({ topicPermissions }) => topicPermissions),
  };
  return {
    files: {
      'definitions.json': `${JSON.stringify(definitions, null, 2)}\n`,
      'rabbitmq.conf': CONF,
      enabled_plugins: '[rabbitmq_mqtt].\n',
    },
    leftOut: [...leftOut, ...dottedTopics(access)],
    next: [
      'rabbitmqctl import_definitions definitions.json, now and after each change',
      'rabbitmqctl delete_user ID ends the connections of a gateway that is deleted',
      'gateways that subscribe need their own id as client id',
    ],
  };
}

/** A dot in a topic comes out as a slash, so that it is another topic for whoever reads it. */
const isDotted = (topic: string) => topic.includes('.');

function dottedTopics({ gateways }: BrokerAccess): BrokerFiles['leftOut'] {
  const topics = gateways.flatMap(({ ownTopics = [] }) => ownTopics.filter(isDotted));
  return topics.map((topic) => ({ who: `topic "${topic}"`, why: 'RabbitMQ makes two levels of a dot' }));
}

const withUndotted = (user: BrokerUser): BrokerUser => ({
  ...user,
  ownTopics: user.ownTopics?.filter((topic) => !isDotted(topic)),
});

const userOf = (name: string, password_hash: string) => ({
  name,
  password_hash,
  hashing_algorithm: 'rabbit_password_hashing_sha256',
  tags: [],
});

function rightsOf({ id }: BrokerUser, clientId: string, rights: readonly Right[]) {
  const own = `^mqtt-subscription-${escaped(clientId)}qos[01]$`;
  const used = `${own}|^${escaped(EXCHANGE)}$`;
  const keysOf = (which: (right: Right) => boolean) =>
    rights
      .filter(which)
      .map(({ topic }) => routing(topic))
      .join('|') || NOTHING;
  return {
    permissions: { user: id, vhost: VHOST, configure: own, write: used, read: used },
    topicPermissions: { user: id, vhost: VHOST, exchange: EXCHANGE, write: keysOf(mayWrite), read: keysOf(mayRead) },
  };
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The routing keys of a filter, and the binding keys that it may be subscribed by (`+` is `*` there, `#` itself). */
function routing(filter: string): string {
  const levels = filter.split('/').map((level) => (level === '+' ? '[^.]+' : escaped(level).replaceAll('\\.', '\\.')));
  const isWide = levels.at(-1) === '#';
  const prefix = (isWide ? levels.slice(0, -1) : levels).join('\\.');
  return isWide ? `^${prefix}(\\..*)?$` : `^${prefix}$`;
}

const CONF = `# Made by \`npm run broker:files\`: for /etc/rabbitmq/conf.d, beside settings of your own, before Wellkeeper first
# connects. A session that is there already with another kind of queue, or another life, can't log in any more (3.10 hangs
# up without a word): hold gateways off, let Wellkeeper take what waits, stop it, change, and delete the old queue:
# rabbitmqctl delete_queue mqtt-subscription-{client id}qos1
mqtt.allow_anonymous = false
# A queue in which messages wait for Wellkeeper is on the disks of most nodes before a gateway is acknowledged: with the
# default (classic) a node that dies takes its queues with it.
mqtt.durable_queue_type = quorum
# How many unacknowledged messages Wellkeeper is sent; the default of 10 holds it to a few hundred a second.
mqtt.prefetch = 1000
# How long a session outlives its connection, in ms; after it RabbitMQ deletes the queue and all in it. Its default is a
# day: Wellkeeper must not be away for longer. From 3.13 on: mqtt.max_session_expiry_interval_seconds = ${SESSION_DAYS * 86_400}
mqtt.subscription_ttl = ${SESSION_DAYS * 86_400_000}
# Below it publishers are held back and nothing is lost; the default of 50 MB is too late for that.
disk_free_limit.absolute = 1GB
`;
