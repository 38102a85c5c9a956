/** What the publishing process is told and what it answers: plain data, as JSON on its command line and its output. */

export interface Load {
  port: number;
  /** Gateways `g0`, `g1` …, a connection each. Station number n belongs to gateway n mod G. */
  passwords: string[];
  /** Stations `s0`, `s1` …; message i is of station i mod S, round floor(i / S), and holds all parameters. */
  stations: number;
  messages: number;
  /** Unacknowledged messages a gateway. */
  window: number;
  /** As fast as it is acknowledged, event times from `startMs` in steps of `stepMs`; or in real time. */
  pace: { startMs: number; stepMs: number } | { messagesPerSecond: number; breachesPerSecond: number };
}

export interface Published {
  /** Epoch ms of the first message. */
  beganMs: number;
  endedMs: number;
  messages: number;
  breaches: number;
  /** From when a message was sent, in real time from when it was due, to its PUBACK. */
  acknowledgedMs: { p50: number; p99: number };
  cpuSeconds: number;
}

/** Breaches in real time come from stations of their own, `b0`, `b1` …: each series breaks its limit once. */
export function breachStations(breaches: number, limitedParameters: number): number {
  return Math.ceil(breaches / limitedParameters);
}
