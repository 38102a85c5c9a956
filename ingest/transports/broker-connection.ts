/** One connection to the embedded broker, whose messages they are, and what the log says of it. */
import type { Admitted } from './admission.ts';
import { payloadLeafOf, publishFault, type Session } from './broker-access.ts';
import type { Publisher } from './publish-intake.ts';
import type { SocketGuard } from './socket-guard.ts';

export interface Connection extends Admitted {
  session: Session | null;
  hasSpoken: boolean;
  guard: SocketGuard;
  keepaliveSeconds: number;
  /** An empty client id with CleanSession 0 is to be answered with return code 2 [MQTT-3.1.3-8]. */
  isIdMissing: boolean;
  subscriptions: Set<string>;
}

/** What its connections are counted by. */
export function credentialOf({ session }: Connection): string | null {
  if (session === null) return null;
  return session.kind === 'gateway' ? `gateway ${session.gateway}` : `viewer ${session.key}`;
}

export function publisher(session: Session, topic: string): Publisher {
  const source = session.kind === 'gateway' ? session.gateway : 'user:token';
  return { source, fault: publishFault(session, topic), topic, leaf: payloadLeafOf(session, topic) };
}

/** Never a password, a token or a payload. */
export function describe({ session, address }: Connection): object {
  return { client: session?.kind === 'gateway' ? session.gateway : (session?.kind ?? null), address };
}

/** The credential's name, never the credential. @param viewerName the name of the token with this hash. */
export function whose(
  { session, address }: Connection,
  viewerName: ((key: string) => string | undefined) | undefined,
): string {
  if (session?.kind === 'gateway') return `gateway ${session.gateway}`;
  return session ? `token "${viewerName?.(session.key) ?? ''}"` : address;
}
