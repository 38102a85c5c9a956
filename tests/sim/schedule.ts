/** What a seed stands for: how long and how fast, how the gateways behave, and what goes wrong when. Everything is drawn before it begins. */
import type { Habits } from '#tests/sim/world/gateways.ts';
import { type Knobs, nothingWrong } from '#tests/sim/world/knobs.ts';
import type { Customs } from '#tests/sim/world/people.ts';
import { Random } from '#tests/sim/world/random.ts';
import { HOUR_MS, MINUTE_MS, type Pace } from '#tests/sim/world/site.ts';
import type { World, WorldOptions } from '#tests/sim/world/world.ts';
import { CLOCK_STEPS, type Episode, FAULT_KINDS, FAULTS, type Fault, type FaultKind } from './faults.ts';

const DAY_MS = 24 * HOUR_MS;
/** Zones of months: with and without daylight saving. Days of the last are not made of whole UTC hours. */
const ZONES = ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Australia/Sydney', 'Asia/Kolkata'];
/** Of what is in time: how long something may be wrong, and how late that may be, in slots. */
const TIMELY_SLOTS = 3;
const TIMELY_LATENESS_SLOTS = 20;

export interface Schedule {
  slots: number;
  options: Omit<WorldOptions, 'directory'>;
  /** What holds all the time, unless an episode has it otherwise. */
  knobs: Knobs;
  episodes: Episode[];
}

/** A day or some of stations that measure each half hour, or months of stations that measure each four hours. */
function paceOf(seed: number, random: Random): { isMonths: boolean; slots: number; pace: Pace } {
  // Every other one, and for whoever plays every other seed, too.
  const isMonths = seed % 4 === 1 || seed % 4 === 2;
  const intervalMs = isMonths ? 4 * HOUR_MS : 30 * MINUTE_MS;
  // What is measured is five minutes old at the end of its slot, whatever the pace.
  const slotMs = isMonths ? intervalMs : intervalMs / 3;
  const days = isMonths ? random.between(60, random.pick([65, 75, 120])) : random.pick([1, 1, 1, 1, 2, 3]);
  const startMs = isMonths ? Date.UTC(2026, 0, random.between(1, 300), 0, 5) : Date.UTC(2026, 10, 21, 23, 5);
  const timeZone = isMonths ? random.pick(ZONES) : ZONES[0]!;
  return { isMonths, slots: (days * DAY_MS) / slotMs, pace: { startMs, intervalMs, slotMs, timeZone } };
}

export function isMonths(seed: number): boolean {
  return paceOf(seed, new Random(seed, 'schedule')).isMonths;
}

export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed, 'schedule');
  const { isMonths: isLong, slots, pace } = paceOf(seed, random);
  const { slotMs } = pace;
  // In some seeds nothing comes late for all that goes wrong, so that all alarms must be the same in the end.
  const isTimely = random.chance(0.45);
  const latenessHours = isLong ? [2, 8, 24] : [1, 2, 2, 4];
  const allowedLatenessMs = isTimely ? TIMELY_LATENESS_SLOTS * slotMs : random.pick(latenessHours) * HOUR_MS;
  return {
    slots,
    options: {
      seed,
      allowedLatenessMs,
      habits: habitsOf(random, isTimely, allowedLatenessMs, pace),
      customs: customsOf(random),
      journalMaxBytes: random.chance(0.3) ? random.between(40_000, 150_000) * (isLong ? 4 : 1) : 1 << 30,
      ringEntries: random.pick([0, 15, 2000, 2000]),
      site: { pace, badPerMinute: random.pick([1, 2, 6000]), fallbackAfter: random.between(1, 8) },
    },
    knobs: {
      ...nothingWrong(),
      store: random.chance(0.35) ? 'flaky' : 'up',
      batchMax: random.pick([1, 3, 10, 40, 1000]),
      // In months more comes in a slot.
      turnsMax: isLong ? 40 : 12,
      acksLost: maybe(random, 0.6, 0.15),
      channelFailures: maybe(random, 0.6, 0.5),
    },
    episodes: episodesOf(random, slots, isTimely, pace),
  };
}

function maybe(random: Random, probability: number, share: number): number {
  return random.chance(probability) ? random.next() * share : 0;
}

function habitsOf(random: Random, isTimely: boolean, allowedLatenessMs: number, { slotMs }: Pace): Habits {
  return {
    heldBack: maybe(random, 0.6, 0.4),
    late: isTimely ? 0 : maybe(random, 0.4, 0.15),
    bunched: maybe(random, 0.5, 0.6),
    repeated: maybe(random, 0.6, 0.3),
    corrected: maybe(random, 0.6, 0.4),
    correctedMsMax: (isTimely ? 3 : 288) * slotMs,
    outliers: random.pick([0, 0.02, 0.06]),
    broken: maybe(random, 0.5, 0.1),
    foreign: maybe(random, 0.5, 0.1),
    poisoned: maybe(random, 0.4, 0.1),
    lateMsMax: Math.max(3 * allowedLatenessMs, 12 * slotMs),
  };
}

function customsOf(random: Random): Customs {
  return {
    operating: maybe(random, 0.6, 0.4),
    editing: maybe(random, 0.4, 0.05),
    maintaining: maybe(random, 0.4, 0.05),
    correcting: maybe(random, 0.4, 0.1),
    importing: maybe(random, 0.3, 0.05),
    replaying: maybe(random, 0.3, 0.2),
  };
}

function episodesOf(random: Random, slots: number, isTimely: boolean, { slotMs }: Pace): Episode[] {
  // Not everything at once: with few kinds of faults each goes further.
  const drawn = FAULT_KINDS.filter((kind) => random.chance(kind === 'listening' ? 0.35 : 0.55));
  // Silence is measured on a clock that a jump of the wall clock stops: who was silent for how long nobody could tell.
  const hasTrueClock = isTimely || drawn.includes('listening');
  const kinds = drawn.filter((kind) => !(hasTrueClock && CLOCK_STEPS.has(kind)));
  const episodes = kinds.flatMap((kind) => {
    const { perHundred, slotsMax, hoursMax = Number.POSITIVE_INFINITY }: Fault = FAULTS[kind];
    const most = Math.max(1, Math.round((perHundred * slots) / 100));
    const longest = Math.min(
      slotsMax,
      (hoursMax * HOUR_MS) / slotMs,
      isTimely && kind !== 'listening' ? TIMELY_SLOTS : slotsMax,
    );
    return Array.from({ length: random.between(1, most) }, () => episodeOf(kind, slots, Math.floor(longest), random));
  });
  // What is listened for happens.
  const silences = episodes.flatMap(({ kind, from, to, steps }): Episode[] =>
    kind === 'listening' && !isTimely ? [{ kind: 'gateway-mute', from: from + 1, to: to - 1, steps }] : [],
  );
  return [...episodes, ...silences];
}

function episodeOf(kind: FaultKind, slots: number, slotsMax: number, random: Random): Episode {
  const from = random.between(0, slots - 1);
  return {
    kind,
    from,
    to: from + random.between(1, slotsMax),
    steps: random.chance(0.5) ? random.between(1, 60) : random.between(1, 1500),
  };
}

/** Plays it to the end of its days; faults that are still there then are for `finish` to heal. */
export async function play(world: World, { slots, knobs, episodes }: Schedule): Promise<void> {
  Object.assign(world.knobs, knobs);
  for (let slot = 0; slot < slots; slot++) {
    for (const episode of episodes) {
      const fault: Fault = FAULTS[episode.kind];
      if (episode.to === slot) fault.end?.(world, knobs);
      if (episode.from === slot) fault.begin(world, episode);
    }
    await world.slot(true);
  }
}
