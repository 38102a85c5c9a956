/**
 * Credentials for HiveMQ CE's File RBAC extension (4.x), and what HiveMQ's config.xml needs. The extension's hashes are
 * PBKDF2 with HMAC-SHA512 of 64 bytes, as ours: `salt:iterations:hash`. Names are ids: nothing in them needs escaping.
 */
import {
  type BrokerAccess,
  type BrokerFiles,
  type BrokerUser,
  gatewayRights,
  NOT_KEPT,
  ownRights,
  pbkdf2Of,
  type Right,
  serviceRights,
  sorted,
  usersOf,
} from './access.ts';

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<!-- Made by npm run broker:files -->\n';
const ACTIVITIES = { read: 'SUBSCRIBE', write: 'PUBLISH', readwrite: 'ALL' } as const;

export function hivemqFiles(access: BrokerAccess): BrokerFiles {
  const { gateways, service, topics } = access;
  const { entries, leftOut } = sorted(usersOf(access), (user) => {
    const parts = pbkdf2Of(user);
    return parts ? { hash: `${parts.salt}:${parts.iterations}:${parts.hash}` } : NOT_KEPT;
  });
  const users = entries.map(
    ({ user, entry }) =>
      `    <user>\n      <name>${user.id}</name>\n      <password>${entry.hash}</password>\n      <roles>${rolesOf(
        user,
        service,
      )
        .map((id) => `<id>${id}</id>`)
        .join('')}</roles>\n    </user>\n`,
  );
  const roles = [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the extension's own placeholder
    role('gateway', gatewayRights('${{username}}')),
    role('service', serviceRights(topics, gateways)),
    ...gateways.filter(({ ownTopics }) => ownTopics?.length).map((user) => role(`own-${user.id}`, ownRights(user))),
  ];
  return {
    files: {
      'credentials.xml': `${HEAD}<file-rbac>\n  <users>\n${users.join('')}  </users>\n  <roles>\n${roles.join('')}  </roles>\n</file-rbac>\n`,
      'extension-config.xml': EXTENSION,
      'mqtt.xml': MQTT,
    },
    leftOut,
    next: [
      'credentials.xml, and extension-config.xml as config.xml, belong into extensions/hivemq-file-rbac-extension/conf (it looks each minute; who is connected keeps his rights until then and after)',
      "what is in mqtt.xml belongs into HiveMQ's own conf/config.xml, inside <hivemq>; remove extensions/hivemq-allow-all-extension",
    ],
  };
}

function rolesOf(user: BrokerUser, service: BrokerUser): string[] {
  if (user === service) return ['service'];
  return ['gateway', ...(user.ownTopics?.length ? [`own-${user.id}`] : [])];
}

function role(id: string, rights: readonly Right[]): string {
  const permissions = rights.map(
    ({ access, topic }) =>
      `        <permission><topic>${xml(topic)}</topic><activity>${ACTIVITIES[access]}</activity></permission>\n`,
  );
  return `    <role>\n      <id>${id}</id>\n      <permissions>\n${permissions.join('')}      </permissions>\n    </role>\n`;
}

const xml = (text: string): string => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

const EXTENSION = `${HEAD}<extension-configuration>
  <credentials-reload-interval>60</credentials-reload-interval>
  <password-type>HASHED</password-type>
</extension-configuration>
`;

const MQTT = `<!-- Made by npm run broker:files: for HiveMQ's conf/config.xml, inside <hivemq>. -->
<mqtt>
  <!-- What waits for Wellkeeper; beyond its default of 1,000 HiveMQ drops the newest, also while Wellkeeper is connected
       but slower, having acknowledged them, and says so nowhere. -->
  <queued-messages>
    <max-queue-size>1000000</max-queue-size>
    <strategy>discard</strategy>
  </queued-messages>
  <!-- In seconds, 90 days: Wellkeeper's session outlasts any time that it is away. -->
  <session-expiry>
    <max-interval>7776000</max-interval>
  </session-expiry>
  <!-- Four times WK_MAX_MESSAGE: what is too large for Wellkeeper still reaches its quarantine. -->
  <packets>
    <max-packet-size>1048576</max-packet-size>
  </packets>
</mqtt>
`;
