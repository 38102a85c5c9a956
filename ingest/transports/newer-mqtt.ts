/** What the embedded broker, which speaks MQTT 3.1.1, reads of a client of MQTT 5 and tells it. */
import { type IConnectPacket, parser } from 'mqtt-packet';

/**
 * CONNACK of MQTT 5 (§3.2): no session, reason 0x84 "unsupported protocol version", no properties. In the shape of 3.1.1
 * (`20 02 00 01`, as §4.13 allows too) client libraries of MQTT 5 only say that the connection was closed.
 */
export const UNSUPPORTED_VERSION = Buffer.from([0x20, 3, 0, 0x84, 0]);

export interface NewerConnect {
  /** The protocol level: 5 is MQTT 5. */
  version: number;
  username: string | undefined;
  /** Empty when there is none. */
  password: string;
}

/** Where the protocol level stands in a CONNECT's variable header (§3.1.2.2). */
const LEVEL_AT = 6;
/** Its first byte. */
const CONNECT = 0x10;

/** @param body of a CONNECT, whole, at least its name and level; at most 16,383 bytes. */
export function readNewerConnect(body: Buffer): NewerConnect {
  const version = body[LEVEL_AT]!;
  let connect: IConnectPacket | null = null;
  const packets = parser({ protocolVersion: 5 });
  packets.on('packet', (packet) => {
    if (packet.cmd === 'connect') connect = packet;
  });
  // Of a version that nobody has defined yet, or a CONNECT that is none, only the level is known.
  packets.on('error', () => {});
  packets.parse(Buffer.concat([Buffer.from([CONNECT, (body.length & 0x7f) | 0x80, body.length >> 7]), body]));
  const { username, password } = (connect ?? {}) as Partial<IConnectPacket>;
  return { version, username, password: password?.toString() ?? '' };
}
