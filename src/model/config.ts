/** What the service was told, parsed and frozen by src/setting/config.ts; contracts §2. Durations in ms, sizes in bytes. */
import type { TcpListener } from './protocol.ts';

export interface Config {
  dataDir: string;
  /** null = no seeds. */
  seedsDir: string | null;
  http: { host: string; port: number };
  mqtt:
    | { kind: 'embedded'; host: string; port: number }
    | {
        kind: 'external';
        /** At least one, tried in turn. */
        urls: readonly string[];
        username: string | null;
        password: string | null;
        caFile: string | null;
        /** PEM files of a client certificate and its key; both or none. */
        certFile: string | null;
        keyFile: string | null;
        clientId: string;
      };
  /** The service's own account at an outside broker; also known while the embedded one runs (`broker:files`). */
  mqttLogIn: { username: string; password: string | null; clientId: string };
  mqttTopics: string[];
  /** Where devices speak their protocol over bare TCP; null = not opened, port 0 = any. */
  tcp: Readonly<Record<TcpListener, { host: string; port: number } | null>>;
  /** null = readings rest in SQLite. */
  influx: InfluxConfig | null;
  timeZone: string;
  adminToken: string | null;
  allowedLatenessMs: number;
  ackMaxDelayMs: number;
  maxMessageBytes: number;
  journalRetentionMs: number;
  journalMaxBytes: number;
  /** Requests per second and credential. */
  rateLimit: number;
  /** A turn of the event loop that takes longer means `overloaded`; 0 = never. */
  busyAfterMs: number;
  /** A hole in a gateway's numbering that isn't filled for so long is the platform condition `sequence.holes`. */
  sequenceGraceMs: number;
  publicUrl: string | null;
  heartbeatUrl: string | null;
  webhookAllow: string[];
  rawRetentionMs: number | null;
  /** Whether months and transfer years are closed by the service once they are due, or only by hand. */
  closings: 'auto' | 'manual';
  /** Unknown meter-hours ÷ meter-hours of a period beyond which nothing is divided by its water; 0 to 1. */
  unknownTolerance: number;
  logLevel: string;
}

/** The InfluxDB that holds the readings (contracts §2). */
export interface InfluxConfig {
  url: string;
  /** v2: an API token; v1: `user:password`, null = no header. */
  token: string | null;
  /** v2 only. */
  org: string | null;
  bucket: string;
  api: 'v1' | 'v2';
  /** A bucket that deletes what is old is accepted. */
  retentionOk: boolean;
}
