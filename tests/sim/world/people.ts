/**
 * Operators and engineers of the simulation. They act on what they see, several at once, on alarms that are over as well
 * as on those that stand; what the journal refuses they try once more when they have another reason to.
 */

import type { Receipt } from '#ingest/door.ts';
import type { QuarantineItem } from '#journal/port.ts';
import type { Command } from '#model/entry.ts';
import { importSource } from '#model/entry.ts';
import { StoreError } from '#src/sqlite.ts';
import type { SentMessage } from './gateways.ts';
import type { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import { COURSES, EDITED_RULE, GATEWAYS, type Pace, SILENCE, SILENCE_RULE, turbid } from './site.ts';

/** Chances in a slot that somebody does it. */
export interface Customs {
  operating: number;
  editing: number;
  maintaining: number;
  correcting: number;
  importing: number;
  /** Puts something that was not taken through the door again. */
  replaying: number;
}

export const idleCustoms = (): Customs => ({
  operating: 0,
  editing: 0,
  maintaining: 0,
  correcting: 0,
  importing: 0,
  replaying: 0,
});

const OPERATORS = ['anna', 'bo'] as const;
const ENGINEER = 'eve';
const KNOWN_MAX = 30;
const REPLAYED_OF = 20;
/** Nothing that the store may refuse is corrected or imported: what became of it nobody could tell. */
const SOUND_COURSES = COURSES.filter(({ isPoisonous }) => !isPoisonous);

interface Act {
  actor: string;
  command: Command;
}

/** Where it is written down what was sent, and what was acknowledged. */
interface Records {
  sent: Map<string, SentMessage>;
  acknowledged: { message: SentMessage; receipt: Receipt }[];
}

export class People {
  /** Files of history that aren't in yet. */
  imports: SentMessage[] = [];
  /** Commands that somebody was told are done. */
  readonly promised: { seq: number; command: Command }[] = [];
  /** Whether they do anything of their own. */
  isHere = true;
  /** Whether the rule about silence is to be there. */
  isListening = false;
  readonly #random: Random;
  readonly #customs: Customs;
  readonly #pace: Pace;
  readonly #records: Records;
  /** Alarms that they have heard of, whatever became of them. */
  #alarms: string[] = [];
  #windows = 0;
  #files = 0;

  constructor(random: Random, customs: Customs, pace: Pace, records: Records) {
    this.#random = random;
    this.#customs = customs;
    this.#pace = pace;
    this.#records = records;
  }

  /**
   * All that they do in a slot, at once: it is journaled in the order in which it comes.
   * @param notices ids of what was sent lately.
   * @throws what the journal says to one of them, when all have heard.
   */
  async act(process: SimProcess, nowMs: number, notices: readonly string[]): Promise<void> {
    const isThere = process.journal.control.get('rule', SILENCE_RULE) !== undefined;
    const asked: Act[] =
      isThere === this.isListening
        ? []
        : [{ actor: ENGINEER, command: isThere ? { verb: 'delete', noun: 'rule', id: SILENCE_RULE } : SILENCE }];
    const own = this.isHere ? this.#acts(process, nowMs, notices) : [];
    const outcomes = await Promise.allSettled([
      ...[...asked, ...own].map((act) => this.#command(process, act)),
      ...this.imports.slice(0, 1).map((file) => this.#import(process, file)),
      this.#replay(process),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #command(process: SimProcess, { actor, command }: Act): Promise<void> {
    const { seq } = await process.command(actor, command);
    if (!process.life.isDead) this.promised.push({ seq, command });
  }

  async #import(process: SimProcess, file: SentMessage): Promise<void> {
    this.#records.sent.set(`${file.gateway} ${file.seq}`, file);
    const receipt = await process.accept(file.gateway, null, file.payload);
    if (process.life.isDead) return;
    this.#records.acknowledged.push({ message: file, receipt });
    this.imports = this.imports.filter((other) => other !== file);
  }

  /** Two may put the same item through the door again: then one of them is told that it is not there any more. */
  async #replay(process: SimProcess): Promise<void> {
    const item = this.isHere ? this.#unwanted(process) : null;
    if (!item) return;
    try {
      await process.command(ENGINEER, { verb: 'replay-quarantine', quarantineId: item.id });
      const stations = GATEWAYS.get(item.source);
      await process.gate.replay(item, stations ? new Set(stations) : null);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'not-found')) throw error;
    }
  }

  #acts(process: SimProcess, nowMs: number, notices: readonly string[]): Act[] {
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

  /** What is to go through the door again, if anything. */
  #unwanted({ reader }: SimProcess): QuarantineItem | null {
    if (!this.#random.chance(this.#customs.replaying)) return null;
    const items = reader.quarantine.list(null, REPLAYED_OF);
    return items.length === 0 ? null : (reader.quarantine.get(this.#random.pick(items).id) ?? null);
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
