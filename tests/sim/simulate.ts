/** One seed from beginning to end: the schedule is played, everything heals, and what came out is checked. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENCE_RULE } from '#tests/sim/world/site.ts';
import { World } from '#tests/sim/world/world.ts';
import { checkLedger } from './checks/ledger.ts';
import { checkNotices } from './checks/notices.ts';
import { checkPeople } from './checks/people.ts';
import { checkReplay } from './checks/replay.ts';
import { checkSame } from './checks/same.ts';
import { checkSilence } from './checks/silence.ts';
import { Model, seriesKey } from './model.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { play, scheduleOf } from './schedule.ts';
import { playUndisturbed } from './undisturbed.ts';

/** What a seed found, and how much happened in it. */
export interface Verdict {
  problems: string[];
  counts: Record<string, number>;
  /** SHA-256 over all that came out, so that two programs can be compared to the byte. */
  digest: string;
}

/** A simulated death asks nothing of the disk, and a disk's fsync would take most of a seed's time. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export async function simulate(seed: number): Promise<Verdict> {
  const directory = mkdtempSync(join(MEMORY, 'wellkeeper-sim-'));
  const worlds: World[] = [];
  const folder = (name: string) => {
    mkdirSync(join(directory, name));
    return join(directory, name);
  };
  try {
    const schedule = scheduleOf(seed);
    const world = new World({ ...schedule.options, directory: folder('disturbed') });
    worlds.push(world);
    await world.start();
    await play(world, schedule);
    await world.finish();
    const counts = {
      ...world.counts,
      entries: world.committed.length,
      sends: world.wire.sends.length,
      commands: world.people.promised.length,
    };
    if (world.faults.length > 0) return { problems: world.faults.map(textOf), counts, digest: '' };

    const names = (id: number) => {
      const series = world.process()!.reader.seriesById(id);
      return series && seriesKey(series);
    };
    const model = new Model(world.committed, world.sent, names);
    const outcome = await outcomeOf(world);
    const undisturbed = await playUndisturbed(world, model, folder('undisturbed'));
    worlds.push(undisturbed);
    const { problems, comparedSeries, comparedAlarms } = checkSame(
      outcome,
      await outcomeOf(undisturbed),
      model,
      world.options,
    );
    return {
      problems: [
        ...undisturbed.faults.map(textOf),
        ...checkLedger(world, model, outcome),
        ...checkNotices(world, outcome),
        ...checkPeople(world, outcome),
        ...checkSilence(world, outcome),
        ...(await checkReplay(world, outcome)),
        ...problems,
      ],
      counts: {
        ...counts,
        alarms: outcome.alarms.length,
        silences: outcome.alarms.filter(({ rule }) => rule === SILENCE_RULE).length,
        comparedSeries,
        comparedAlarms,
      },
      digest: digestOf(outcome, directory),
    };
  } finally {
    for (const world of worlds) await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}

/** Where the files lay is all that may differ between two runs of a seed. */
function digestOf(outcome: Outcome, directory: string): string {
  const plain = JSON.stringify(outcome, (_, value) =>
    value instanceof Map || value instanceof Set ? [...value].sort() : value,
  );
  return createHash('sha256').update(plain.replaceAll(directory, '')).digest('hex');
}
