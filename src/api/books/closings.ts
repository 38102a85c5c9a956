/**
 * Closing a period and keeping a day's report: figures with everything that they came from. They are computed from
 * readings as of that instant, by what answers `asOf`, and taken only when the books say the same: so whoever asks again
 * gets them again, and a later correction can only show as a difference. Whoever closes, an engineer or the service
 * itself, does it here.
 */
import { createHash } from 'node:crypto';
import { CODE_VERSION } from '#api/books/code-version.ts';
import type { ApiDeps, Closings } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { countedMeters, isHeldIn, namedMeters, partsOf } from '#books/water/meter-relations.ts';
import type { ClosedMeter, ClosedPeriod, Closing, KeptFigure, KeptReport } from '#model/accounting.ts';
import { COUNTING_RULES, FIRST_RULES } from '#model/counting-rules.ts';
import { type Amount, addAmounts, NO_WATER } from '#volume/balance.ts';
import { namedRange, reportRange } from '#volume/calendar-names.ts';
import { type BookView, booksNow, bookView, recountedView, totalOf } from './book-view.ts';

export type ClosingParts = Pick<
  ApiDeps,
  'config' | 'control' | 'journal' | 'queries' | 'reference' | 'clock' | 'caughtUp'
>;

interface Range {
  fromMs: number;
  toMs: number;
}

/** What was counted, proved by two ways to the same figures. */
interface Proved {
  asOfMs: number;
  throughSeq: number;
  control: BookView['control'];
  meters: ClosedMeter[];
}

export function createClosings(parts: ClosingParts): Closings {
  const { config, control, journal } = parts;
  const { timeZone } = config;
  // One after the other: of two that close the same period at once, each would take it for open.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const result = turn.then(act);
    turn = result.catch(() => undefined);
    return result;
  };
  const put = async <T>(noun: 'period' | 'report', id: string, by: string, body: T): Promise<T> => {
    await journal.appendCommand(by, { verb: 'put', noun, id, body });
    return body;
  };
  return {
    close: (period, by, reason) =>
      inTurn(async () => {
        const { fromMs, toMs } = namedRange(period, timeZone);
        if (control.get('period', period)) throw new Problem('state.conflict', `${period} is closed: restate it.`);
        const closings = [await closingOf(parts, { fromMs, toMs }, by, reason)];
        return put('period', period, by, { fromMs, toMs, timeZone, closings });
      }),
    restate: (period, by, reason) =>
      inTurn(async () => {
        const before = control.get('period', period);
        if (!before) throw notFound(`closed period "${period}"`);
        await parts.caughtUp('books');
        if ((await sinceLastClosing(booksNow(parts), before)).length === 0) {
          throw new Problem('state.conflict', `Nothing of ${period} has changed since it was closed.`);
        }
        const closings = [...before.closings, await closingOf(parts, before, by, reason)];
        return put('period', period, by, { ...before, closings });
      }),
    keepReport: (day, by) =>
      inTurn(async () => {
        const { fromMs, toMs } = reportRange(day, timeZone);
        if (control.get('report', day)) throw new Problem('state.conflict', `The report of ${day} is kept already.`);
        const { asOfMs, throughSeq, control: then, meters } = await proved(parts, { fromMs, toMs });
        const counted = new Set(countedMeters(then).map(({ id }) => id));
        const report = {
          fromMs,
          toMs,
          timeZone,
          madeAtMs: asOfMs,
          by,
          query: `/api/v1/reports/${day}?asOf=${isoText(asOfMs)}`,
          throughSeq,
          codeVersion: CODE_VERSION,
          rules: COUNTING_RULES,
          figures: figuresOf(meters.filter(({ meter }) => counted.has(meter))),
        };
        return put('report', day, by, { ...report, sha256: sha256Of(report) });
      }),
  };
}

async function closingOf(parts: ClosingParts, range: Range, by: string, reason: string | null): Promise<Closing> {
  const { fromMs, toMs } = range;
  const { asOfMs, throughSeq, control, meters } = await proved(parts, { fromMs, toMs });
  const query = `/api/v1/volumes?meter={meter}&from=${isoText(fromMs)}&to=${isoText(toMs)}&by=total&asOf=${isoText(asOfMs)}`;
  const manifest = {
    closedAtMs: asOfMs,
    by,
    reason,
    query,
    throughSeq,
    versions: Object.fromEntries(meters.map(({ meter }) => [meter, control.version('meter', meter)!.seq])),
    limits: { allowedLatenessMs: parts.config.allowedLatenessMs },
    codeVersion: CODE_VERSION,
    rules: COUNTING_RULES,
    meters,
  };
  return { ...manifest, sha256: sha256Of(manifest) };
}

/**
 * @throws Problem `state.conflict` while an hour of the range is open or the books are still being computed, `books.behind`
 *   while the followers, or the connections that answer, haven't reached what is journaled.
 */
async function proved(parts: ClosingParts, range: Range): Promise<Proved> {
  const { config, journal } = parts;
  if (journal.receivedNowMs() < range.toMs + config.allowedLatenessMs) {
    throw new Problem('state.conflict', 'The period has not ended, or its last hour may still change.');
  }
  const throughSeq = journal.headSeq;
  // Followers that wait for a store leave the same readings out of both ways.
  if (!(await parts.caughtUp('books')) || !(await hasReached(parts, throughSeq))) {
    throw new Problem('books.behind', 'The books have not passed everything that is journaled: try again.');
  }
  // Whatever is journaled from now on is received later than this.
  const asOfMs = journal.receivedNowMs() - 1;
  const then = await bookView(parts, asOfMs);
  const meters = await meterFigures(then, range);
  const changed = differences(meters, await meterFigures(booksNow(parts), range), lineOf);
  if (changed.length > 0) {
    const names = changed.map(({ meter }) => meter).slice(0, 5);
    throw new Problem('state.conflict', `The books of ${names.join(', ')} are still being computed: try again.`);
  }
  return { asOfMs, throughSeq, control: then.control, meters };
}

/** By the word of the very connections that the figures come from: an old snapshot agrees with itself. */
async function hasReached({ queries }: ClosingParts, seq: number): Promise<boolean> {
  const { journalSeq, booksSeq } = await queries.reached();
  return Math.min(journalSeq, booksSeq) >= seq;
}

/** What the books say less the last closing, by meter, recipient and what is measured; what agrees is left out. */
export async function sinceLastClosing(books: BookView, { closings, ...range }: ClosedPeriod): Promise<ClosedMeter[]> {
  return differences(closings.at(-1)!.meters, await meterFigures(books, range), lineOf);
}

/** Why a figure is another one than was closed. */
type ChangeCause = 'readings' | 'rules' | 'both';

interface ChangedMeter extends ClosedMeter {
  /** `readings`: what was counted has changed, or how it was to be (registers, rulings); `rules`: of counting. */
  cause: ChangeCause;
}

/**
 * The same with why. Where the rules are others than those of the closing, it is counted by today's as of then: what
 * differs from the closing comes from the rules, what differs from the books came later.
 */
export async function changesSinceClosing(parts: ClosingParts, closed: ClosedPeriod): Promise<ChangedMeter[]> {
  const { closings, ...range } = closed;
  const last = closings.at(-1)!;
  const now = booksNow(parts);
  const changes = await sinceLastClosing(now, closed);
  if (changes.length === 0 || rulesOf(last) === COUNTING_RULES) {
    return changes.map((change) => ({ ...change, cause: 'readings' }));
  }
  const concerned = new Set(changes.map(({ meter }) => meter));
  const isConcerned = (id: string) => concerned.has(id);
  const figures = (books: BookView) =>
    meterFigures(
      books,
      range,
      namedMeters(books.control).filter(({ id }) => isConcerned(id)),
    );
  const recounted = await figures(await recountedView(parts, last.closedAtMs));
  const closedThen = last.meters.filter(({ meter }) => isConcerned(meter));
  const byRules = new Set(differences(closedThen, recounted, lineOf).map(lineOf));
  const byReadings = new Set(differences(recounted, await figures(now), lineOf).map(lineOf));
  return changes.map((change): ChangedMeter => {
    const line = lineOf(change);
    return { ...change, cause: !byRules.has(line) ? 'readings' : byReadings.has(line) ? 'both' : 'rules' };
  });
}

/** The rules of counting that a closing or a kept report names. */
export function rulesOf({ rules = FIRST_RULES }: Pick<Closing, 'rules'>): number {
  return rules;
}

/** What the books say less what was kept of the day; what agrees is left out. */
export async function sinceKept(books: BookView, { figures, ...range }: KeptReport): Promise<KeptFigure[]> {
  const counted = await meterFigures(books, range, countedMeters(books.control));
  return differences(figures, figuresOf(counted), kindOf);
}

async function meterFigures(
  books: BookView,
  { fromMs, toMs }: Range,
  meters = namedMeters(books.control),
): Promise<ClosedMeter[]> {
  const parts = partsOf(meters).filter((part) => isHeldIn(part, fromMs, toMs));
  const answers = await books.meterVolumes({ meters: parts, edgesMs: [fromMs, toMs] });
  const lines = answers.map((answer, index) => {
    const { id, recipient, meter } = parts[index]!;
    return { meter: id, recipient, measures: meter.measures, ...totalOf([answer]) };
  });
  // Whoever got a meter back has one line of it.
  return [...Map.groupBy(lines, lineOf).values()].map((own) => ({
    ...own[0]!,
    ...own.reduce<Amount>(addAmounts, NO_WATER),
  }));
}

/** A line of a manifest: of a meter that is handed over each recipient has one. */
function lineOf({ meter, recipient, measures }: ClosedMeter): string {
  return `${meter}/${recipient ?? ''}/${measures}`;
}

/** Summed by who gets the water and what it is. */
function figuresOf(meters: readonly ClosedMeter[]): KeptFigure[] {
  const groups = [...Map.groupBy(meters, kindOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  return groups.map(([, own]) => {
    const { recipient, measures } = own[0]!;
    return { recipient, measures, ...own.reduce<Amount>(addAmounts, NO_WATER) };
  });
}

function kindOf({ recipient, measures }: KeptFigure): string {
  return `${measures}/${recipient ?? ''}`;
}

/** What is new or gone since counts against nothing. */
function differences<T extends KeptFigure>(then: readonly T[], now: readonly T[], keyOf: (one: T) => string): T[] {
  const before = new Map(then.map((one) => [keyOf(one), one]));
  const after = new Map(now.map((one) => [keyOf(one), one]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((key) => {
    const old: Amount = before.get(key) ?? NO_WATER;
    const current: Amount = after.get(key) ?? NO_WATER;
    const change = {
      measuredLitres: current.measuredLitres - old.measuredLitres,
      estimatedLitres: current.estimatedLitres - old.estimatedLitres,
      unknownMs: current.unknownMs - old.unknownMs,
    };
    const named = after.get(key) ?? before.get(key)!;
    return Object.values(change).some((part) => part !== 0) ? [{ ...named, ...change }] : [];
  });
}

function sha256Of(content: object): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** Keys sorted at every depth, so that the same content has the same bytes. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
