/**
 * THE door: decode → resolve → judge and flag → journal. Everything that a gateway or a user writes comes through here.
 * A message is judged and handed to the journal in one turn of the event loop, so that the order in which values are
 * judged is the order of their entries; its receipt is given after the fsync that covers it.
 */

import { Dialects } from '#journal/dialects.ts';
import { partyOf } from '#journal/parties.ts';
import type { Appended, Journal, MessageDraft, QuarantineDraft, QuarantineItem } from '#journal/port.ts';
import { valuesIn } from '#journal/quarantine.ts';
import type { Control } from '#journal/registers.ts';
import { CODES, markOf, ReadingColumns, type Readings, verdictOf, verdictsIn } from '#model/columns.ts';
import type { Entry } from '#model/entry.ts';
import type { Fault } from '#model/faults.ts';
import { isUnexplained } from '#model/flag.ts';
import { keptFromMs } from '#model/metered.ts';
import type { Reading } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { Clock } from '#src/clock.ts';
import { CODECS, type ContentType, formatOf, isContentType } from './codecs/index.ts';
import type { Delivery, Door, Preview, Receipt, Refusal } from './door.ts';
import { createFaceUnits, type FaceUnits } from './face-units.ts';
import { EARLIEST_HISTORY_MS } from './instant.ts';
import { type Judged, judge, type Take, type Undecoded } from './judge.ts';
import { draftOf, draftsOf, ITEMS_MAX, type Undrafted } from './refusals.ts';
import { SeriesMemory, type Slots } from './series-memory.ts';
import { SourceWatch } from './source-watch.ts';
import { Turns } from './turns.ts';

export interface GateOptions {
  journal: Journal;
  /** The registers as of the newest commit; someone else advances them. */
  control: Control;
  reference: Reference;
  /** For gateways' clock offsets only; readings are judged by the journal's clock. */
  clock: Clock;
  /** Longer payloads are `message.too-large` (WK_MAX_MESSAGE). */
  maxMessageBytes: number;
  /** A value is taken under a device letter that nobody has explained. */
  onUnexplained?: (source: string, station: string, letter: string) => void;
  /** WK_RAW_RETENTION: older values are `time.expired`, save those of meters; null = readings stay for ever. */
  rawRetentionMs?: number | null;
  /** The earliest time that the reading store can hold, as far as is known; null, or left out: any. */
  storeEarliestMs?: () => number | null;
}

export interface Gate extends Door {
  /**
   * Fills the door's memory at start.
   * @param tail the journal's newest entries, ascending; at least all that the `readings` follower hasn't passed.
   * @param newest the newest stored reading of each series by event time.
   */
  rebuild(tail: Iterable<Entry>, newest: ReadonlyMap<number, Reading>): void;
}

/** What of a payload too large, foreign or refused by a transport is kept. */
const KEPT_BYTES = 4_096;
/** Whose turn replays are; no party is called so. */
const REPLAYS = 'replay:';

export function createGate(options: GateOptions): Gate {
  return new JournalingGate(options);
}

class JournalingGate implements Gate {
  readonly #options: GateOptions;
  readonly #memory: SeriesMemory;
  readonly #watch = new SourceWatch();
  readonly #faceUnits: FaceUnits;
  readonly #turns = new Turns();
  /** The readings of the message at hand. */
  readonly #taken = new ReadingColumns();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#memory = new SeriesMemory(options.journal, new Dialects(options.control));
    this.#faceUnits = createFaceUnits(options.control, options.reference);
    this.#forgetWhatChanges();
  }

  async accept(delivery: Delivery): Promise<Receipt> {
    const { source, payload } = delivery;
    const limit = this.#options.maxMessageBytes;
    if (payload.byteLength <= limit) return this.#inTurn(source, payload, () => this.#admit(delivery, null));
    const message = `The message has ${payload.byteLength} bytes, the limit is ${limit}.`;
    return this.refuse(source, { code: 'message.too-large', message }, payload);
  }

  refuse(source: string, fault: Fault, payload: Uint8Array): Promise<Receipt> {
    const kept = Uint8Array.from(payload.subarray(0, KEPT_BYTES));
    const refusal: Undrafted = { ...fault, source, contentType: 'application/octet-stream', payload: kept };
    return this.#inTurn(source, kept, () => this.#quarantineWhole(refusal));
  }

  async replay(item: QuarantineItem, stations: ReadonlySet<string> | null): Promise<Receipt> {
    const { source, contentType, payload, code, message } = item;
    if (!isContentType(contentType)) return this.#stays(item, { fault: { code, message }, seq: null });
    // Somebody waits at a desk: not behind what the gateway sends meanwhile.
    return this.#turns.take(REPLAYS, payload.byteLength, () =>
      this.#admit(
        { source, stations, contentType: this.#formatOf(item, contentType), payload, cameMs: item.atMs },
        item,
      ),
    );
  }

  preview(delivery: Delivery): Preview {
    const readings: Preview['readings'] = [];
    const judged = this.#judge(
      delivery,
      this.#memory.scratch(),
      (slot, timeMs, quantity, station, parameter, period) => {
        const { value, deviceFlag, censored } = quantity;
        if (period && slot.ring.within(timeMs, period)) return;
        const { flag } = slot.ring.take(slot.series, timeMs, quantity, slot.thresholds, null);
        readings.push({ station, parameter, timeMs, value, flag, deviceFlag, censored });
      },
    );
    if (judged.fault) return { readings, faults: [judged.fault], controls: [] };
    const { refused, warnings, controls } = judged;
    return { readings, faults: [...refused.map(({ fault }) => fault), ...warnings], controls };
  }

  latest(series: number): Reading | undefined {
    return this.#memory.newest(series);
  }

  settle(series: number, reading: Reading): void {
    this.#memory.settle(series, reading);
  }

  clockOffsetMs(source: string): number | null {
    return this.#watch.clockOffsetMs(source);
  }

  rebuild(tail: Iterable<Entry>, newest: ReadonlyMap<number, Reading>): void {
    this.#memory.rebuild(tail, newest);
  }

  /** A message that nobody could read is read as its gateway's entry says by now: that may be what was wrong. */
  #formatOf({ source, payload }: QuarantineItem, contentType: ContentType): ContentType {
    const { control, journal } = this.#options;
    const gateway = control.get('gateway', source);
    const spoken = formatOf(gateway);
    if (gateway === undefined || spoken === contentType) return contentType;
    const sender = { source, gateway, arrivalMs: journal.receivedNowMs(), topic: null };
    return CODECS[contentType].decode(payload, sender).fault === null ? contentType : spoken;
  }

  #inTurn(source: string, payload: Uint8Array, work: () => Promise<Receipt>): Promise<Receipt> {
    return this.#turns.take(partyOf(source, this.#options.control), payload.byteLength, work);
  }

  /** @param replayed the quarantined item that comes again; it is only journaled if something of it is taken. */
  async #admit(delivery: Delivery, replayed: QuarantineItem | null): Promise<Receipt> {
    const { source, contentType, payload } = delivery;
    const readings = this.#taken.clear();
    const logged = this.#memory.log.end;
    const { onUnexplained } = this.#options;
    // The ring knows this value from its first message, but the store refused it: only the store can tell.
    const isRefused = replayed?.code === 'store.rejected';
    const judged = this.#judge(delivery, this.#memory, (slot, timeMs, quantity, station, _parameter, period) => {
      const { series, ring, thresholds } = slot;
      const { value, deviceFlag } = quantity;
      if (onUnexplained && isUnexplained(deviceFlag, thresholds.letters)) onUnexplained(source, station, deviceFlag!);
      // The mean of a time of which finer values are there says again what these say.
      const finer = period && ring.within(timeMs, period);
      if (finer) return readings.push({ ...finer, series, verdict: 'duplicate' });
      const state = ring.judge(timeMs, quantity, thresholds, this.#memory.log);
      readings.add(series, timeMs, value, markOf(state), deviceFlag, isRefused ? CODES.unsettled : verdictOf(state));
    });
    const controls = judged.fault ? [] : judged.controls;
    const taken = readings.length + controls.length;
    if (replayed && taken === 0) return this.#stays(replayed, judged);
    if (judged.fault) {
      return this.#quarantineWhole({ ...judged.fault, source, contentType, payload }, replayed ? null : judged.seq);
    }
    const quarantine = draftsOf(judged.refused, delivery);
    if (replayed) keepCount(quarantine, replayed.count - taken);
    const received = readings.length + valuesIn(quarantine);
    const gatewaySeq = replayed ? null : judged.seq;
    const draft: MessageDraft = { source, gatewaySeq, readings, raw: payload, quarantine, received };
    if (replayed) draft.replayOf = replayed.id;
    const { journal, clock } = this.#options;
    const counts = countsOf(readings);
    const command = { verb: 'qc-results', results: controls } as const;
    // Begun first, so that no answer is given before it is on disk; sent again it changes nothing.
    const kept = controls.length > 0 ? journal.appendCommand(source, command) : null;
    // Its columns are the next message's from here on.
    const message = this.#memory.whileUncommitted(logged, journal.appendMessage(draft));
    const [appended] = await Promise.all([message, kept]);
    const { span } = judged;
    if (!replayed && span !== null) this.#watch.heard(source, clock.nowMs() - span.newestMs);
    return { ...receiptOf(appended, counts, quarantine, judged.warnings), ...(span && { span }) };
  }

  #judge(delivery: Delivery, slots: Slots, take: Take): Judged | Undecoded {
    const { control, reference, journal, rawRetentionMs, storeEarliestMs } = this.#options;
    const arrivalMs = journal.receivedNowMs();
    const faceUnits = this.#faceUnits;
    const registers = {
      control,
      reference,
      faceUnits,
      keptFromMs: keptFromMs(rawRetentionMs ?? null, arrivalMs),
      earliestHistoryMs: Math.max(EARLIEST_HISTORY_MS, storeEarliestMs?.() ?? EARLIEST_HISTORY_MS),
    };
    return judge(delivery, registers, slots, arrivalMs, take);
  }

  /**
   * Quarantines a payload that can't be taken apart; it counts as one value.
   * @param gatewaySeq its own number, as far as that could be read: it came, whatever else is wrong with it.
   */
  async #quarantineWhole(refusal: Undrafted, gatewaySeq: number | null = null): Promise<Receipt> {
    const draft: MessageDraft = {
      source: refusal.source,
      gatewaySeq,
      readings: [],
      // The payload stands in quarantine already.
      raw: new Uint8Array(0),
      quarantine: [draftOf(refusal)],
      received: 1,
    };
    const { quarantine } = draft;
    const appended = await this.#options.journal.appendMessage(draft);
    return { ...receiptOf(appended, countsOf([]), quarantine, []), undecodable: true };
  }

  /** The receipt of a replay of which nothing can be taken: the item stays, and this is what is wrong with it now. */
  #stays(item: QuarantineItem, judged: Judged | Undecoded): Receipt {
    const { journal } = this.#options;
    const faults = judged.fault ? [judged.fault] : judged.refused.map(({ fault }) => fault);
    const told = faults.slice(0, ITEMS_MAX).map((fault): Refusal => ({ ...fault, quarantineId: item.id }));
    const untold = item.count - told.length;
    if (untold > 0 && told.length > 0) told[told.length - 1]!.count = untold + 1;
    return {
      seq: journal.headSeq,
      receivedMs: journal.receivedNowMs(),
      accepted: 0,
      duplicates: 0,
      corrections: 0,
      pending: 0,
      quarantined: told,
      undecodable: judged.fault !== null,
    };
  }

  /** What the door remembers gives way to what the journal says: lost batches, corrections, changed registers. */
  #forgetWhatChanges(): void {
    const { journal, control } = this.#options;
    journal.onFailure((error) => {
      // That code means that somebody else has replayed the same item meanwhile: one append failed, the rest stands.
      if ((error as Error & { code?: string }).code !== 'not-found') this.#memory.undoUncommitted();
    });
    journal.onCommit((entries) => {
      for (const entry of entries) {
        if (entry.kind === 'command' && entry.command.verb === 'correct') this.#memory.doubt(entry.command);
      }
    });
    control.onChange(({ command }) => {
      if (command.verb !== 'put' && command.verb !== 'delete') return;
      if (command.noun === 'station') this.#memory.forgetThresholds(command.id);
      if (command.noun === 'gateway') this.#memory.forgetDialects();
      if (command.noun === 'gateway' && command.verb === 'delete') this.#watch.forget(command.id);
    });
  }
}

/** What wasn't taken of a replayed item counts for as many values as before, whatever of them its payload could show. */
function keepCount(quarantine: QuarantineDraft[], count: number): void {
  const last = quarantine.at(-1);
  const surplus = count - valuesIn(quarantine);
  if (last && surplus > 0) last.count = (last.count ?? 1) + surplus;
}

type Counts = Pick<Receipt, 'accepted' | 'duplicates' | 'corrections' | 'pending'>;

function countsOf(readings: Readings): Counts {
  return {
    accepted: verdictsIn(readings, 'new'),
    duplicates: verdictsIn(readings, 'duplicate'),
    corrections: verdictsIn(readings, 'correction'),
    pending: verdictsIn(readings, 'unsettled'),
  };
}

function receiptOf(
  { seq, receivedMs }: Appended,
  counts: Counts,
  quarantine: readonly QuarantineDraft[],
  warnings: Fault[],
): Receipt {
  return {
    seq,
    receivedMs,
    ...counts,
    quarantined: quarantine.map(toRefusal),
    ...(warnings.length > 0 && { warnings }),
    undecodable: false,
  };
}

function toRefusal({ id, code, message, path, count = 1 }: QuarantineDraft): Refusal {
  return { code, message, ...(path !== null && { path }), quarantineId: id, ...(count > 1 && { count }) };
}
