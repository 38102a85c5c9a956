/**
 * Limits on how much of the doors one address or one credential may take, and what reaching each means. Whoever meets one
 * says so; the platform condition `access.crowded` tells people (src/platform/crowding.ts).
 */
const TABLE = {
  'mqtt.silent': 'MQTT connections that send no CONNECT',
  'mqtt.connections': 'all MQTT connections taken',
  'mqtt.credential': 'MQTT connections of one credential',
  'tcp.silent': 'TCP connections without a frame of a device that is welcome',
  'tcp.connections': 'all TCP connections of a listener taken',
  'tcp.credential': 'TCP connections of one device',
  'tcp.address': 'frames over TCP of devices that are not welcome',
  'http.address': 'HTTP connections that show no credential',
  'http.connections': 'all HTTP connections taken',
  'http.credential': 'HTTP connections of one credential',
  'stream.address': 'event streams of one address',
  'stream.credential': 'event streams of one credential',
  'stream.all': 'all event streams taken',
  'session.token': 'sessions of one token',
  'refusal.address': 'requests without a good credential',
  'log-in.address': 'log-ins with a wrong credential',
} as const;

export type AccessLimit = keyof typeof TABLE;
export const ACCESS_LIMITS: Readonly<Record<AccessLimit, string>> = TABLE;

/**
 * A limit was reached. @param who the address, `gateway ID` or `token "NAME"` that reached it: never a token or password.
 */
export type TellCrowded = (limit: AccessLimit, who: string) => void;
