/** What can be wrong with the simulated world at a time: turned by the schedule, felt by its parts. */
export interface Knobs {
  /** `flaky`: some requests fail, before, half-way or after; `slow`: answers take many turns of the event loop. */
  store: 'up' | 'down' | 'flaky' | 'slow';
  isBrokerUp: boolean;
  isChannelUp: boolean;
  /** A gateway that can't reach the broker, or null. */
  mute: string | null;
  /** Share of notices that a recipient fails to take though the channel is up. */
  channelFailures: number;
  /** Share of acknowledgements that never reach their gateway. */
  acksLost: number;
  /** Entries that a follower is handed at most. */
  batchMax: number;
  /** Turns that each follower takes in a slot at most. */
  turnsMax: number;
}

export const nothingWrong = (): Knobs => ({
  store: 'up',
  isBrokerUp: true,
  isChannelUp: true,
  mute: null,
  channelFailures: 0,
  acksLost: 0,
  batchMax: 1000,
  turnsMax: 40,
});
