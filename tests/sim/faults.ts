/** What can go wrong in the simulated world, each kind with how long it lasts and how it begins and ends. */
import type { Knobs } from '#tests/sim/world/knobs.ts';
import { GATEWAYS, HOUR_MS } from '#tests/sim/world/site.ts';
import type { World } from '#tests/sim/world/world.ts';

/** One thing that goes wrong in the slots [from, to). */
export interface Episode {
  kind: FaultKind;
  from: number;
  to: number;
  /** Of a death: after how many steps. */
  steps: number;
}

export interface Fault {
  /** Slots that it lasts at most; 1 for what happens at once. */
  slotsMax: number;
  /** Hours that it lasts at most. */
  hoursMax?: number;
  /** How many of it there are in a hundred slots at most. */
  perHundred: number;
  begin(world: World, episode: Episode): void;
  /** @param knobs what holds when nothing is wrong. */
  end?(world: World, knobs: Knobs): void;
}

const GATEWAY_IDS = [...GATEWAYS.keys()];

const store = (mode: Knobs['store']) => ({
  begin: (world: World) => void Object.assign(world.knobs, { store: mode }),
  end: (world: World, knobs: Knobs) => void Object.assign(world.knobs, { store: knobs.store }),
});

const locked = (file: 'journal' | 'derived') => ({
  begin: (world: World) => world.lock(file),
  end: (world: World) => world.unlock(file),
});

export const FAULTS = {
  'store-down': { slotsMax: 30, perHundred: 1.4, ...store('down') },
  'store-flaky': { slotsMax: 40, perHundred: 1.4, ...store('flaky') },
  'store-slow': { slotsMax: 40, perHundred: 1.4, ...store('slow') },
  'broker-down': {
    slotsMax: 24,
    perHundred: 1.4,
    begin: (world) => void Object.assign(world.knobs, { isBrokerUp: false }),
    end: (world) => void Object.assign(world.knobs, { isBrokerUp: true }),
  },
  'session-lost': {
    slotsMax: 1,
    perHundred: 0.7,
    begin: (world) => world.process()?.platform.event('broker.session-lost', world.trueMs(), 'it forgot us'),
  },
  kill: { slotsMax: 1, perHundred: 4, begin: (world, { steps }) => world.kill(steps) },
  'kill-thread': { slotsMax: 1, perHundred: 5, begin: (world, { steps }) => world.killThread(steps) },
  'clock-forward': { slotsMax: 1, perHundred: 0.7, begin: (world) => world.stepClock(HOUR_MS) },
  'clock-back': { slotsMax: 1, perHundred: 0.7, begin: (world) => world.stepClock(-HOUR_MS) },
  'journal-locked': { slotsMax: 9, perHundred: 1.4, ...locked('journal') },
  'derived-locked': { slotsMax: 9, perHundred: 1.4, ...locked('derived') },
  'channels-down': {
    slotsMax: 15,
    // Each try of each notice costs as much as a slot, whatever a slot is.
    hoursMax: 8,
    perHundred: 1.4,
    begin: (world) => void Object.assign(world.knobs, { isChannelUp: false }),
    end: (world) => void Object.assign(world.knobs, { isChannelUp: true }),
  },
  'gateway-mute': {
    slotsMax: 20,
    perHundred: 1.4,
    begin: (world, { steps }) => void Object.assign(world.knobs, { mute: GATEWAY_IDS[steps % GATEWAY_IDS.length]! }),
    end: (world) => void Object.assign(world.knobs, { mute: null }),
  },
  // Somebody asks for silence to be told: a rule that is there for a while.
  listening: {
    slotsMax: 70,
    hoursMax: 48,
    perHundred: 0.2,
    begin: (world) => void Object.assign(world.people, { isListening: true }),
    end: (world) => void Object.assign(world.people, { isListening: false }),
  },
  'followers-stuck': {
    slotsMax: 20,
    perHundred: 0.7,
    begin: (world) => void Object.assign(world.knobs, { turnsMax: 0 }),
    end: (world, { turnsMax }) => void Object.assign(world.knobs, { turnsMax }),
  },
} as const satisfies Record<string, Fault>;

export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];
/** They make what is sent in time come late by any measure. */
export const CLOCK_STEPS: ReadonlySet<FaultKind> = new Set(['clock-forward', 'clock-back']);
