/**
 * Runs a proposed rule over stored readings before anybody saves it: the alerts follower itself, on a derived store in
 * memory. Readings pass in the order of their event times with their present values and final flags, each as if it had
 * arrived at once; so nothing is late, and the order of arrival isn't replayed.
 */

import { createAlertsFollower } from '#alerts/follower.ts';
import { alarms } from '#alerts/records/answers.ts';
import { createWatches } from '#alerts/rules/watches.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { DAY_MS } from '#model/calendar.ts';
import { durationMs } from '#model/duration.ts';
import type { MessageEntry } from '#model/entry.ts';
import type { Series, SeriesReading } from '#model/reading.ts';
import type { Reference, Standard } from '#model/reference.ts';
import type { Rule } from '#model/register.ts';
import { readingsInOrder } from '#readings/in-order.ts';
import type { ReadingStore } from '#readings/store.ts';
import { type Database, StoreError } from '#src/sqlite.ts';
import { type Outcome, outcomeOf } from './rehearsed.ts';

/** Kinds that are judged by readings alone. */
const REHEARSED = ['class', 'threshold', 'quality', 'rate', 'flat-line', 'expression'] as const;
export type RehearsableRule = Extract<Rule, { kind: (typeof REHEARSED)[number] }>;

interface Limits {
  readings: number;
  alarms: number;
}
const LIMITS: Limits = { readings: 20_000_000, alarms: 100_000 };
const MESSAGES_A_BATCH = 1000;
/** What an alarm of a rule without an id of its own is raised under. */
const NAMELESS = 'rehearsed';
const SILENT = { info: () => {}, warn: () => {} };

export interface Rehearsal {
  rule: RehearsableRule;
  /** The rule that it would replace; null: it is another one. */
  replaces: string | null;
  fromMs: number;
  toMs: number;
}

interface RehearsalParts {
  /** An empty derived.db that nobody keeps. */
  openDerived: () => Database;
  /** The registers as they are. */
  registers: readonly ControlVersion[];
  series: readonly Series[];
  store: Pick<ReadingStore, 'read'>;
  reference: Reference;
  standard: Standard;
  allowedLatenessMs: number;
  /** Of rules' calendars. */
  timeZone: string;
  /** Alarms of a rule, not withdrawn, that stood at some time of [fromMs, toMs). */
  alarmsOf(rule: string, fromMs: number, toMs: number): Alarm[];
  /** For tests. */
  limits?: Limits;
}

export interface Rehearsed extends Outcome {
  fromMs: number;
  toMs: number;
  /** From here on readings were judged, so that holds are right at the start of the range. */
  lookBackFromMs: number;
  readings: number;
  series: number;
  /** Values of the range that were held against the rule, and those that broke it. */
  judged: number;
  breaches: number;
}

export function isRehearsable(rule: Rule): rule is RehearsableRule {
  return (REHEARSED as readonly string[]).includes(rule.kind);
}

/** Why a rule of such a kind can't be rehearsed. */
export function whyNotRehearsable({ kind }: Rule): string {
  return kind === 'missing'
    ? 'A rule of kind missing is about when readings arrived; stored readings say only when they were taken.'
    : `A rule of kind ${kind} is judged by more than stored readings.`;
}

/**
 * Not for a thread that has other work: it runs for up to minutes.
 * @throws StoreError `rehearsal.too-large` beyond the limits, and as the store does.
 */
export async function rehearse({ rule, replaces, fromMs, toMs }: Rehearsal, parts: RehearsalParts): Promise<Rehearsed> {
  const { reference, standard, store, timeZone, limits = LIMITS } = parts;
  const id = replaces ?? NAMELESS;
  const control = registersWith(parts.registers, id, { ...rule, enabled: true });
  const byId = new Map(parts.series.map((one) => [one.id, one]));
  const seriesById = (series: number) => byId.get(series);
  const watches = createWatches({ control, reader: { seriesById }, reference, standard, timeZone });
  const watched = parts.series
    .filter((one) => watches.of(one.id).length > 0)
    .toSorted((a, b) => (a.station === b.station ? a.id - b.id : a.station < b.station ? -1 : 1));
  const lookBackFromMs = fromMs - lookBackMs(rule);
  const derived = parts.openDerived();
  try {
    let raised = 0;
    const tally = { judged: 0, breaches: 0 };
    const follower = createAlertsFollower({
      derived,
      reader: { read: () => [], seriesById, seriesByName: () => undefined },
      control,
      reference,
      standard,
      allowedLatenessMs: parts.allowedLatenessMs,
      timeZone,
      publicUrl: null,
      log: SILENT,
      onJudged(timeMs, isBreach) {
        if (timeMs < fromMs || timeMs >= toMs) return;
        tally.judged++;
        if (isBreach) tally.breaches++;
      },
      onAlarms(changes) {
        raised += changes.filter(({ transition }) => transition.from === null).length;
      },
    });
    let readings = 0;
    let seq = 0;
    const series = watched.map((one) => one.id);
    for await (const block of readingsInOrder(store, series, lookBackFromMs, toMs)) {
      readings += block.length;
      const messages = messagesOf(block, seriesById, seq);
      for (let at = 0; at < messages.length; at += MESSAGES_A_BATCH) {
        await follower.apply(messages.slice(at, at + MESSAGES_A_BATCH));
        demandBounds({ readings, alarms: raised }, limits, messages[at]!.receivedMs);
      }
      seq += messages.length;
    }
    // What a maintenance window holds is let go at its end.
    await follower.apply([{ kind: 'tick', seq: seq + 1, receivedMs: toMs }]);
    const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
    const found = alarms(derived, { ...all, limit: limits.alarms, after: null }).map(asRehearsed);
    const present = replaces === null ? null : parts.alarmsOf(replaces, fromMs, toMs);
    const outcome = outcomeOf(found, present, { fromMs, toMs }, new Control(parts.registers));
    return { ...outcome, fromMs, toMs, lookBackFromMs, readings, series: watched.length, ...tally };
  } finally {
    derived.close();
  }
}

/** The registers with this rule and no other, and without routes: nobody is to be told. */
function registersWith(registers: readonly ControlVersion[], id: string, body: Rule): Control {
  const others = registers.filter(({ noun }) => noun !== 'rule' && noun !== 'routes');
  return new Control([...others, { noun: 'rule', id, seq: 0, atMs: 0, actor: NAMELESS, body }]);
}

/** As long as the rule remembers, and a day: what stands at the start of the range began before it. */
function lookBackMs(rule: RehearsableRule): number {
  const steps = (rule.steps ?? []).map(({ after }) => after ?? 'PT0S');
  const over = rule.kind === 'rate' || rule.kind === 'flat-line' ? [rule.over] : [];
  const times = [rule.for, rule.clear.for, rule.keepFiringFor, rule.stepDownFor, ...over].map((one) => one ?? 'PT0S');
  return DAY_MS + [...times, ...steps].reduce((sum, one) => sum + durationMs(one), 0);
}

/** One message for each station and time, so that what was measured together is judged together. */
function messagesOf(
  block: readonly SeriesReading[],
  seriesById: (id: number) => Series | undefined,
  after: number,
): MessageEntry[] {
  const messages: MessageEntry[] = [];
  let station: string | undefined;
  for (const reading of block) {
    const { timeMs, series } = reading;
    const last = messages.at(-1);
    const here = seriesById(series)!.station;
    const journaled = { ...reading, verdict: 'new' } as const;
    if (last?.receivedMs === timeMs && here === station) last.readings.push(journaled);
    else {
      const seq = after + messages.length + 1;
      messages.push({
        kind: 'message',
        seq,
        receivedMs: timeMs,
        source: NAMELESS,
        gatewaySeq: null,
        readings: [journaled],
      });
    }
    station = here;
  }
  return messages;
}

function demandBounds(met: Limits, limits: Limits, atMs: number): void {
  for (const what of ['readings', 'alarms'] as const) {
    if (met[what] <= limits[what]) continue;
    const most = `more than ${limits[what].toLocaleString('en')} ${what} by ${new Date(atMs).toISOString()}`;
    throw new StoreError('rehearsal.too-large', `It meets ${most}.`, false);
  }
}

/** Under a name that no alarm of the service has. */
function asRehearsed(alarm: Alarm): Alarm {
  const { id, firstOut } = alarm;
  return { ...alarm, id: `${NAMELESS}-${id}`, firstOut: firstOut === null ? null : `${NAMELESS}-${firstOut}` };
}
