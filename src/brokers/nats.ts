/**
 * Users and settings for NATS' MQTT listener (2.9 and later). Topics are subjects there: `/` is `.`, `.` is `//` (before
 * 2.10 refused), `+` and `#` are `*` and `>`. Passwords are bcrypt hashes.
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

const isTakable = ({ topic }: Right): boolean => !topic.includes(' ');

/** Before 2.10 the server delivers by it in a client's own name; nobody can subscribe to it over MQTT. */
const DELIVERY = '$MQTT.sub.>';

export function natsFiles(access: BrokerAccess): BrokerFiles {
  const { service, topics } = access;
  const { entries, leftOut } = sorted(usersOf(access), ({ otherHashes }) => {
    if (otherHashes?.bcrypt === null) return 'NATS takes passwords of at most 71 bytes';
    return otherHashes ? { hash: otherHashes.bcrypt } : NOT_KEPT;
  });
  const rights = serviceRights(topics, access.gateways).filter(isTakable);
  for (const { topic } of serviceRights(topics, access.gateways)) {
    if (topic.includes(' ')) leftOut.push({ who: `topic "${topic}"`, why: 'NATS takes no spaces' });
  }
  const users = entries.map(({ user, entry }) =>
    userLine(
      user,
      entry.hash,
      user === service ? rights : [...gatewayRights(user.id), ...ownRights(user).filter(isTakable)],
    ),
  );
  const dotted = entries.filter(({ user }) => user !== service && user.id.includes('.')).map(({ user }) => user.id);
  return {
    files: {
      'users.conf': `# Made by \`npm run broker:files\`: include it at the top of nats-server.conf.\nauthorization {\n  users: [\n${users.join('')}  ]\n}\n`,
      'mqtt.conf': MQTT,
    },
    leftOut,
    next: [
      'include users.conf in nats-server.conf, and mqtt.conf in its mqtt { }; then, and after each change: nats-server --signal reload',
      ...(dotted.length === 0
        ? []
        : [`with a dot in the id: ${dotted.join(', ')}: they need NATS 2.10 or later, and a client id without a dot`]),
    ],
  };
}

function userLine({ id }: BrokerUser, hash: string, rights: readonly Right[]): string {
  const list = (subjects: readonly string[]) => `[${subjects.map((subject) => `"${subject}"`).join(', ')}]`;
  const publish = list(rights.filter(mayWrite).flatMap(({ topic }) => subjects(topic)));
  const subscribe = list([...rights.filter(mayRead).flatMap(({ topic }) => subjects(topic)), DELIVERY]);
  return `    { user: "${id}", password: "${hash}", allowed_connection_types: ["MQTT"],\n      permissions: { publish: ${publish}, subscribe: ${subscribe} } }\n`;
}

/** The subjects of an MQTT filter: `a/#` is also `a`, which `a.>` is not. */
function subjects(filter: string): string[] {
  const levels = filter.split('/').map((level) => (level === '' ? '/' : level.replaceAll('.', '//')));
  const subject = (parts: string[]) => parts.map((part) => (part === '+' ? '*' : part === '#' ? '>' : part)).join('.');
  return levels.at(-1) === '#' && levels.length > 1
    ? [subject(levels), subject(levels.slice(0, -1))]
    : [subject(levels)];
}

const MQTT = `# Made by \`npm run broker:files\`: include it in mqtt { }, behind its listen.
# What Wellkeeper hasn't acknowledged is sent again after so long, and no sooner after a reconnect. The default is 30 s.
ack_wait: "10s"
# How many unacknowledged messages Wellkeeper is sent; before 2.10 the default of 100 holds it to a few thousand a second.
max_ack_pending: 1000
`;
