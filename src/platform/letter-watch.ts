/**
 * Device letters that gateways send and nobody has explained: one platform condition for each gateway names them. It ends
 * when dialects explain them all, or when none of them has come for eight days (the weekly check of a station among them).
 */

import { Dialects } from '#journal/dialects.ts';
import type { Control } from '#journal/registers.ts';
import { phrase, told } from '#model/alarms/phrases.ts';
import { isUnexplained } from '#model/flag.ts';
import type { Clock } from '#src/clock.ts';
import type { PlatformWatch, Standing } from './watch.ts';

const FORGOTTEN_AFTER_MS = 8 * 86_400_000;
/** Looked through again this often though nothing has changed: letters are forgotten. */
const LOOK_MS = 60_000;
/** Letters remembered of a gateway: each is what somebody sent, and may be anything. */
const LETTERS_MAX = 20;

interface Heard {
  sinceMs: number;
  lastMs: number;
  /** Where it came from; what an earlier process heard may have come from any station of the gateway. */
  stations: Set<string>;
}

interface Parts {
  control: Pick<Control, 'get' | 'list' | 'onChange'>;
  platform: Pick<PlatformWatch, 'set'>;
  clock: Clock;
  /** What the journal says has begun and not ended. */
  standing: readonly Standing[];
}

export interface LetterWatch {
  /** A value came under a letter that nobody has explained. */
  heard(source: string, station: string, letter: string): void;
  /** To be called each second. */
  tick(): void;
}

export function createLetterWatch({ control, platform, clock, standing }: Parts): LetterWatch {
  const dialects = new Dialects(control);
  const gateways = new Map<string, Map<string, Heard>>();
  let lookedMs = Number.NEGATIVE_INFINITY;

  function hear(gateway: string, letter: string, stations: readonly string[]): void {
    const letters = gateways.getOrInsertComputed(gateway, () => new Map());
    const nowMs = clock.nowMs();
    const known = letters.get(letter);
    if (!known && letters.size >= LETTERS_MAX) return;
    const heard = known ?? { sinceMs: nowMs, lastMs: nowMs, stations: new Set<string>() };
    letters.set(letter, heard);
    heard.lastMs = nowMs;
    const isNews = !known || stations.some((station) => !heard.stations.has(station));
    for (const station of stations) heard.stations.add(station);
    if (isNews) lookedMs = Number.NEGATIVE_INFINITY;
  }

  function isOver(letter: string, { lastMs, stations }: Heard, owned: readonly string[]): boolean {
    if (clock.nowMs() - lastMs >= FORGOTTEN_AFTER_MS) return true;
    return !owned.some((id) => stations.has(id) && isUnexplained(letter, dialects.at(id).letters));
  }

  function look(gateway: string, letters: Map<string, Heard>): void {
    const owned = control.get('gateway', gateway)?.stations ?? [];
    for (const [letter, heard] of letters) if (isOver(letter, heard, owned)) letters.delete(letter);
    const names = [...letters.keys()].sort();
    if (names.length === 0) gateways.delete(gateway);
    const sinceMs = Math.min(...[...letters.values()].map((heard) => heard.sinceMs));
    const words = told(phrase('letters.sent', { gateway, letters: names.join(', ') }));
    platform.set('letters.unexplained', names.length === 0 ? null : { ...words, sinceMs }, { gateway, letters: names });
  }

  for (const { condition, about } of standing) {
    if (condition !== 'letters.unexplained' || !about) continue;
    gateways.set(about.gateway, new Map());
    const stations = control.get('gateway', about.gateway)?.stations ?? [];
    for (const letter of about.letters) hear(about.gateway, letter, stations);
  }
  control.onChange(({ command }) => {
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    if (command.noun === 'gateway' || command.noun === 'station') lookedMs = Number.NEGATIVE_INFINITY;
  });
  return {
    heard(source, station, letter) {
      // Who writes by hand, or imports, is told in the receipt.
      if (control.get('gateway', source)) hear(source, letter, [station]);
    },
    tick() {
      if (gateways.size === 0 || clock.monotonicMs() - lookedMs < LOOK_MS) return;
      lookedMs = clock.monotonicMs();
      for (const [gateway, letters] of gateways) look(gateway, letters);
    },
  };
}
