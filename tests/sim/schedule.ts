/** What a seed stands for: how long, how the gateways behave, and what goes wrong when. Everything is drawn before it begins. */
import type { Habits } from '#tests/helpers/sim-gateways.ts';
import { type Knobs, nothingWrong } from '#tests/helpers/sim-knobs.ts';
import { Random } from '#tests/helpers/sim-random.ts';
import { HOUR_MS, SLOT_MS } from '#tests/helpers/sim-site.ts';
import type { World, WorldOptions } from '#tests/helpers/sim-world.ts';

const SLOTS_PER_DAY = (24 * HOUR_MS) / SLOT_MS;

/** One thing that goes wrong in the slots [from, to). */
interface Episode {
  kind: FaultKind;
  from: number;
  to: number;
  /** Of a death: after how many steps. */
  steps: number;
}

export interface Schedule {
  slots: number;
  options: Omit<WorldOptions, 'directory'>;
  /** What holds all the time, unless an episode has it otherwise. */
  knobs: Knobs;
  episodes: Episode[];
}

interface Turn {
  /** Slots that it lasts at most; 1 for what happens at once. */
  slotsMax: number;
  /** How many of it there are a day at most. */
  perDay: number;
  begin(world: World, episode: Episode): void;
  /** @param knobs what holds when nothing is wrong. */
  end?(world: World, knobs: Knobs): void;
}

const store = (mode: Knobs['store']) => ({
  begin: (world: World) => void Object.assign(world.knobs, { store: mode }),
  end: (world: World, knobs: Knobs) => void Object.assign(world.knobs, { store: knobs.store }),
});

const locked = (file: 'journal' | 'derived') => ({
  begin: (world: World) => world.lock(file),
  end: (world: World) => world.unlock(file),
});

const FAULTS = {
  'store-down': { slotsMax: 30, perDay: 2, ...store('down') },
  'store-flaky': { slotsMax: 40, perDay: 2, ...store('flaky') },
  'store-slow': { slotsMax: 40, perDay: 2, ...store('slow') },
  'broker-down': {
    slotsMax: 24,
    perDay: 2,
    begin: (world) => void Object.assign(world.knobs, { isBrokerUp: false }),
    end: (world) => void Object.assign(world.knobs, { isBrokerUp: true }),
  },
  'session-lost': {
    slotsMax: 1,
    perDay: 1,
    begin: (world) => world.process()?.platform.event('broker.session-lost', world.trueMs(), 'it forgot us'),
  },
  kill: { slotsMax: 1, perDay: 10, begin: (world, { steps }) => world.kill(steps) },
  'kill-thread': { slotsMax: 1, perDay: 10, begin: (world, { steps }) => world.killThread(steps) },
  'clock-forward': { slotsMax: 1, perDay: 1, begin: (world) => world.stepClock(HOUR_MS) },
  'clock-back': { slotsMax: 1, perDay: 1, begin: (world) => world.stepClock(-HOUR_MS) },
  'journal-locked': { slotsMax: 9, perDay: 2, ...locked('journal') },
  'derived-locked': { slotsMax: 9, perDay: 2, ...locked('derived') },
  'channels-down': {
    slotsMax: 15,
    perDay: 2,
    begin: (world) => void Object.assign(world.knobs, { isChannelUp: false }),
    end: (world) => void Object.assign(world.knobs, { isChannelUp: true }),
  },
  'followers-stuck': {
    slotsMax: 20,
    perDay: 1,
    begin: (world) => void Object.assign(world.knobs, { turnsMax: 0 }),
    end: (world, { turnsMax }) => void Object.assign(world.knobs, { turnsMax }),
  },
} as const satisfies Record<string, Turn>;

type FaultKind = keyof typeof FAULTS;
/** Faults that make what is sent in time come late by any measure. */
const LATE_MAKERS: ReadonlySet<FaultKind> = new Set(['clock-forward', 'clock-back']);
const TIMELY_SLOTS = 3;
const KINDS = Object.keys(FAULTS) as FaultKind[];

export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed, 'schedule');
  const days = random.chance(0.85) ? 1 : random.pick([2, 2, 3]);
  const slots = days * SLOTS_PER_DAY;
  // In some seeds nothing comes late for all that goes wrong, so that all alarms must be the same in the end.
  const isTimely = random.chance(0.45);
  const maybe = (probability: number, share: number) => (random.chance(probability) ? random.next() * share : 0);
  const allowedLatenessMs = (isTimely ? 4 : random.pick([1, 2, 2, 4])) * HOUR_MS;
  // Not everything at once: with few kinds of faults each goes further.
  const kinds = KINDS.filter((kind) => random.chance(0.55) && !(isTimely && LATE_MAKERS.has(kind)));
  const episodes = kinds.flatMap((kind) =>
    Array.from({ length: random.between(1, FAULTS[kind].perDay * days) }, () =>
      episodeOf(kind, slots, isTimely ? TIMELY_SLOTS : 1000, random),
    ),
  );
  const habits: Habits = {
    heldBack: maybe(0.6, 0.4),
    late: isTimely ? 0 : maybe(0.4, 0.15),
    bunched: maybe(0.5, 0.6),
    repeated: maybe(0.6, 0.3),
    corrected: maybe(0.6, 0.4),
    correctedMsMax: isTimely ? HOUR_MS / 2 : 48 * HOUR_MS,
    outliers: random.pick([0, 0.02, 0.06]),
    broken: maybe(0.5, 0.1),
    foreign: maybe(0.5, 0.1),
    poisoned: maybe(0.4, 0.1),
    lateMsMax: 3 * allowedLatenessMs,
  };
  return {
    slots,
    options: {
      seed,
      allowedLatenessMs,
      habits,
      journalMaxBytes: random.chance(0.3) ? random.between(40_000, 150_000) : 1 << 30,
      ringEntries: random.pick([0, 15, 2000, 2000]),
    },
    knobs: {
      ...nothingWrong(),
      store: random.chance(0.35) ? 'flaky' : 'up',
      batchMax: random.pick([1, 3, 10, 40, 1000]),
      turnsMax: 12,
      acksLost: maybe(0.6, 0.15),
      channelFailures: maybe(0.6, 0.5),
    },
    episodes,
  };
}

function episodeOf(kind: FaultKind, slots: number, slotsMax: number, random: Random): Episode {
  const from = random.between(0, slots - 1);
  return {
    kind,
    from,
    to: from + random.between(1, Math.min(slotsMax, FAULTS[kind].slotsMax)),
    steps: random.chance(0.5) ? random.between(1, 60) : random.between(1, 1500),
  };
}

/** Plays it to the end of its days; faults that are still there then are for `finish` to heal. */
export async function play(world: World, { slots, knobs, episodes }: Schedule): Promise<void> {
  Object.assign(world.knobs, knobs);
  for (let slot = 0; slot < slots; slot++) {
    for (const episode of episodes) {
      const turn: Turn = FAULTS[episode.kind];
      if (episode.to === slot) turn.end?.(world, knobs);
      if (episode.from === slot) turn.begin(world, episode);
    }
    await world.slot(true);
  }
}
