/**
 * Operators and engineers of the simulation. They act on what they see, several at once, on alarms that are over as well
 * as on those that stand; what the journal refuses they try once more when they have another reason to.
 */

import type { Command } from '#model/entry.ts';
import { importSource } from '#model/entry.ts';
import type { SentMessage } from './sim-gateways.ts';
import type { SimProcess } from './sim-process.ts';
import type { Random } from './sim-random.ts';
import { COURSES, EDITED_RULE, GATEWAYS, type Pace, turbid } from './sim-site.ts';

/** Chances in a slot that somebody does it. */
export interface Customs {
  operating: number;
  editing: number;
  maintaining: number;
  correcting: number;
  importing: number;
}

export const idleCustoms = (): Customs => ({ operating: 0, editing: 0, maintaining: 0, correcting: 0, importing: 0 });

const OPERATORS = ['anna', 'bo'] as const;
const ENGINEER = 'eve';
const KNOWN_MAX = 30;
/** Nothing that the store may refuse is corrected or imported: what became of it nobody could tell. */
const SOUND_COURSES = COURSES.filter(({ isPoisonous }) => !isPoisonous);

interface Act {
  actor: string;
  command: Command;
}

export class People {
  /** Files of history that aren't in yet. */
  imports: SentMessage[] = [];
  readonly #random: Random;
  readonly #customs: Customs;
  readonly #pace: Pace;
  /** Alarms that they have heard of, whatever became of them. */
  #alarms: string[] = [];
  #windows = 0;
  #files = 0;

  constructor(random: Random, customs: Customs, pace: Pace) {
    this.#random = random;
    this.#customs = customs;
    this.#pace = pace;
  }

  /** What they do in this slot, all at once. @param notices ids of what was sent lately. */
  acts(process: SimProcess, nowMs: number, notices: readonly string[]): Act[] {
    const { operating, editing, maintaining, correcting, importing } = this.#customs;
    const random = this.#random;
    if (random.chance(importing)) this.imports.push(this.#history(nowMs));
    return [
      ...(random.chance(operating) ? this.#operate(process, nowMs, notices) : []),
      ...(random.chance(editing) ? [{ actor: ENGINEER, command: this.#edit() }] : []),
      ...(random.chance(maintaining) ? [{ actor: ENGINEER, command: this.#maintain(nowMs) }] : []),
      ...(random.chance(correcting) ? [{ actor: ENGINEER, command: this.#correct(nowMs) }] : []),
    ];
  }

  #operate(process: SimProcess, nowMs: number, notices: readonly string[]): Act[] {
    const random = this.#random;
    const open = process.worker().openAlarms();
    this.#alarms = [...new Set([...this.#alarms, ...open])].slice(-KNOWN_MAX);
    const seen = open.length > 0 && random.chance(0.8) ? open : this.#alarms;
    if (seen.length === 0) return [];
    const alarm = random.pick(seen);
    const untilMs = nowMs + random.between(1, 12) * this.#pace.slotMs;
    const choices: (() => Command[])[] = [
      () => [{ verb: 'acknowledge', alarm }],
      // Both see it at once, and one of them is second.
      () => [
        { verb: 'acknowledge', alarm },
        { verb: 'acknowledge', alarm, comment: 'mine' },
      ],
      () => [{ verb: 'shelve', alarm, untilMs, reason: 'a known thing' }],
      () => [
        { verb: 'acknowledge', alarm },
        { verb: 'shelve', alarm, untilMs, reason: 'both at once' },
      ],
      () => [{ verb: 'unshelve', alarm }],
      () => [{ verb: 'comment', alarm, comment: 'seen' }],
      () => (notices.length > 0 ? [{ verb: 'resend', notice: random.pick(notices) }] : []),
    ];
    return random
      .pick(choices)()
      .map((command, n) => ({ actor: OPERATORS[n % 2]!, command }));
  }

  #edit(): Command {
    const random = this.#random;
    if (random.chance(0.15)) return { verb: 'delete', noun: 'rule', id: EDITED_RULE };
    return turbid(random.pick([0.3, 0.5, 0.8]), random.chance(0.8));
  }

  #maintain(nowMs: number): Command {
    const random = this.#random;
    if (this.#windows > 0 && random.chance(0.2)) {
      return { verb: 'delete', noun: 'maintenance', id: `window-${random.between(1, this.#windows)}` };
    }
    const { slotMs } = this.#pace;
    const fromMs = nowMs + random.between(-6, 6) * slotMs;
    const toMs = fromMs + random.between(1, 12) * slotMs;
    const [gateway, stations] = random.pick([...GATEWAYS]);
    const body = {
      ...(random.chance(0.5) ? { gateways: [gateway] } : { stations: [random.pick(stations)] }),
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      reason: 'pumps',
    };
    return { verb: 'put', noun: 'maintenance', id: `window-${++this.#windows}`, body };
  }

  #correct(nowMs: number): Command {
    const random = this.#random;
    const { station, parameter, min, max } = random.pick(SOUND_COURSES);
    const { intervalMs } = this.#pace;
    const fromMs = nowMs - random.between(1, random.pick([2, 6, 100])) * intervalMs;
    const toMs = fromMs + random.between(1, 4) * intervalMs;
    const at = { verb: 'correct', station, parameter, fromMs, toMs, reason: 'the laboratory says so' } as const;
    return random.pick<() => Command>([
      () => ({ ...at, action: 'set', value: min + Math.round((max - min) * random.next() * 100) / 100 }),
      () => ({ ...at, action: 'delete' }),
      () => ({ ...at, action: 'flag', flag: random.pick([1, 3, 4] as const) }),
    ])();
  }

  /** Old values that a file brings, some of them for times that the gateway knew otherwise. */
  #history(nowMs: number): SentMessage {
    const random = this.#random;
    const { intervalMs } = this.#pace;
    const { station, parameter, min, max } = random.pick(SOUND_COURSES);
    const lastMs = Math.floor(nowMs / intervalMs) * intervalMs - random.between(0, 200) * intervalMs;
    const values = Array.from({ length: random.between(1, 8) }, (_, n) => ({
      station,
      parameter,
      timeMs: lastMs - n * intervalMs,
      value: Math.round((min + (max - min) * random.next()) * 1000) / 1000,
      deviceFlag: null,
      fault: null,
    }));
    const seq = ++this.#files;
    const samples = values.map(({ timeMs, value }) => ({ station, time: timeMs, values: { [parameter]: value } }));
    const payload = Buffer.from(JSON.stringify({ seq, samples }));
    return { gateway: importSource('history'), seq, values, payload };
  }
}
