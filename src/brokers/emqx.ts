/**
 * Users, access list and settings for EMQX (5.7 and later). Its built-in database takes PBKDF2 hashes with one number of
 * iterations for all, and a salt that is text.
 */

import { ITERATIONS } from '#setting/secrets.ts';
import {
  type BrokerAccess,
  type BrokerFiles,
  gatewayRights,
  mayRead,
  mayWrite,
  NOT_KEPT,
  ownRights,
  pbkdf2Of,
  type Right,
  serviceRights,
  sorted,
  usersOf,
} from './access.ts';

export function emqxFiles(access: BrokerAccess): BrokerFiles {
  const { gateways, service, topics } = access;
  const { entries, leftOut } = sorted(usersOf(access), (user) => {
    const parts = pbkdf2Of(user);
    const salt = Buffer.from(parts?.salt ?? '', 'base64').toString('latin1');
    if (!parts || parts.iterations !== ITERATIONS || !/^[\x21-\x7e]+$/.test(salt)) return NOT_KEPT;
    return { password_hash: Buffer.from(parts.hash, 'base64').toString('hex'), salt };
  });
  const users = entries.map(({ user, entry }) => ({ user_id: user.id, ...entry, is_superuser: false }));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: EMQX's own placeholder
  const everybody = gatewayRights('${username}');
  const acl = [
    '%% Made by `npm run broker:files`.',
    ...rules(`{username, "${service.id}"}`, serviceRights(topics, gateways)),
    ...gateways
      .filter(({ ownTopics }) => ownTopics?.length)
      .flatMap((user) => rules(`{username, "${user.id}"}`, ownRights(user))),
    ...rules('all', everybody),
    '{deny, all}.',
  ];
  return {
    files: {
      'users.json': `${JSON.stringify(users, null, 2)}\n`,
      'acl.conf': `${acl.join('\n')}\n`,
      'emqx.conf': CONF,
    },
    leftOut,
    next: [
      'put acl.conf into etc/, and the lines of emqx.conf into etc/emqx.conf',
      'import users.json, now and after each change (POST /api/v5/authentication/password_based:built_in_database/import_users?type=hash); delete there who is deleted here',
    ],
  };
}

function rules(who: string, rights: readonly Right[]): string[] {
  const topics = (which: (right: Right) => boolean) =>
    rights
      .filter(which)
      .map(({ topic }) => JSON.stringify(topic))
      .join(', ');
  return [`{allow, ${who}, publish, [${topics(mayWrite)}]}.`, `{allow, ${who}, subscribe, [${topics(mayRead)}]}.`];
}

const CONF = `# Made by \`npm run broker:files\`.
authentication = [
  {
    mechanism = password_based
    backend = built_in_database
    user_id_type = username
    password_hash_algorithm { name = pbkdf2, mac_fun = sha512, iterations = ${ITERATIONS}, dk_length = 64 }
  }
]
authorization {
  no_match = deny
  # QoS 1 is acknowledged and not handed on; disconnecting would have a gateway send it for ever.
  deny_action = ignore
  sources = [ { type = file, enable = true, path = "etc/acl.conf" } ]
}
mqtt {
  # What waits for Wellkeeper; beyond its default of 1,000 EMQX drops the oldest, having acknowledged it.
  max_mqueue_len = 1000000
  mqueue_store_qos0 = false
  # How many unacknowledged messages Wellkeeper is sent.
  max_inflight = 1000
  # For MQTT 3.1.1; in MQTT 5 Wellkeeper asks for a session without an end.
  session_expiry_interval = 90d
  max_packet_size = 1MB
}
# Without it sessions, and what waits in them, are gone when a node ends.
durable_sessions { enable = true }
`;
