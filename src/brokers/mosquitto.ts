/**
 * Password and ACL files for an outside Mosquitto broker.
 * Formats: mosquitto.conf(5), `password_file` and `acl_file`; hashes are `$7$` (PBKDF2-SHA512), as we keep them.
 */
import {
  type BrokerAccess,
  type BrokerFiles,
  type BrokerUser,
  gatewayRights,
  ownRights,
  type Right,
  serviceRights,
  usersOf,
} from './access.ts';

export function mosquittoFiles(access: Omit<BrokerAccess, 'clientId' | 'gone'>): BrokerFiles {
  const passwd = usersOf(access)
    .map(({ id, passwordHash }) => `${id}:${passwordHash}\n`)
    .join('');
  return {
    files: { passwd, acl: aclText(access) },
    leftOut: [],
    next: ['have Mosquitto read them: chown mosquitto, SIGHUP'],
  };
}

const line = ({ access, topic }: Right): string => `${access} ${topic}`;

const ownLines = (gateway: BrokerUser): string[] => [
  '',
  `user ${gateway.id}`,
  ...ownRights(gateway).map((right) => `topic ${line(right)}`),
];

function aclText({ gateways, service, topics }: Pick<BrokerAccess, 'gateways' | 'service' | 'topics'>): string {
  return [
    '# Made by `npm run broker:files`. %u is the user name, which is the gateway id.',
    ...gatewayRights('%u').map((right) => `pattern ${line(right)}`),
    '',
    `user ${service.id}`,
    ...serviceRights(topics, gateways).map((right) => `topic ${line(right)}`),
    ...gateways.filter(({ ownTopics }) => ownTopics?.length).flatMap(ownLines),
    '',
  ].join('\n');
}
