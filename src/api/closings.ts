/**
 * Closing a period: the figures of each meter with everything that they came from. They are computed from readings as of
 * the instant of closing, by what answers `asOf`, and taken only when the books say the same: so whoever asks again gets
 * them again, and a later correction can only show as a difference.
 */
import { createHash } from 'node:crypto';
import type { ClosedMeter, ClosedPeriod, Closing } from '#model/accounting.ts';
import type { NamedMeter } from '#store/meter-relations.ts';
import type { MeterVolumes } from '#store/queries.ts';
import { type Amount, addAmounts, NO_WATER } from '#volume/balance.ts';
import { CODE_VERSION } from './code-version.ts';
import type { ApiDeps } from './deps.ts';
import { isoText } from './instants.ts';
import { Problem } from './problems.ts';

interface Request {
  fromMs: number;
  toMs: number;
  by: string;
  reason: string | null;
}

/** @throws Problem `state.conflict` while an hour of the period is open or the books are still being computed. */
export async function closingOf(deps: ApiDeps, { fromMs, toMs, by, reason }: Request): Promise<Closing> {
  const { config, control, journal } = deps;
  if (journal.receivedNowMs() < toMs + config.allowedLatenessMs) {
    throw new Problem('state.conflict', 'The period has not ended, or its last hour may still change.');
  }
  await deps.caughtUp('books');
  const throughSeq = journal.headSeq;
  // Whatever is journaled from now on is received later than this.
  const asOfMs = journal.receivedNowMs() - 1;
  const meters = control.list('meter').map(({ id, body }): NamedMeter => ({ id, meter: body }));
  const closed = await figuresAsOf(deps, meters, { fromMs, toMs, asOfMs });
  const changed = differences(closed, await figuresNow(deps, { fromMs, toMs }));
  if (changed.length > 0) {
    const names = changed.map(({ meter }) => meter).slice(0, 5);
    throw new Problem('state.conflict', `The books of ${names.join(', ')} are still being computed: try again.`);
  }
  const versions = Object.fromEntries(meters.map(({ id }) => [id, control.version('meter', id)!.seq]));
  const query = `/api/v1/volumes?meter={meter}&from=${isoText(fromMs)}&to=${isoText(toMs)}&by=total&asOf=${isoText(asOfMs)}`;
  const manifest = {
    closedAtMs: asOfMs,
    by,
    reason,
    query,
    throughSeq,
    versions,
    limits: { allowedLatenessMs: config.allowedLatenessMs },
    codeVersion: CODE_VERSION,
    meters: closed,
  };
  return { ...manifest, sha256: createHash('sha256').update(canonicalJson(manifest)).digest('hex') };
}

/** What the books say now less the last closing; meters that agree are left out. */
export async function sinceLastClosing(
  deps: ApiDeps,
  { fromMs, toMs, closings }: ClosedPeriod,
): Promise<({ meter: string } & Amount)[]> {
  await deps.caughtUp('books');
  return differences(closings.at(-1)!.meters, await figuresNow(deps, { fromMs, toMs }));
}

async function figuresAsOf(
  { queries, reference }: ApiDeps,
  meters: readonly NamedMeter[],
  { fromMs, toMs, asOfMs }: { fromMs: number; toMs: number; asOfMs: number },
): Promise<ClosedMeter[]> {
  const register = reference.parameters.get('register')!;
  const closed: ClosedMeter[] = [];
  for (const { id, meter } of meters) {
    // One at a time, so that other questions get their turn.
    const answers = await queries.volumesAsOf({ meters: [id], edgesMs: [fromMs, toMs], asOfMs, register });
    const { recipient = null, measures } = meter;
    closed.push({ meter: id, recipient, measures, ...totalOf(answers[0]) });
  }
  return closed;
}

async function figuresNow(
  { queries, control }: ApiDeps,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<({ meter: string } & Amount)[]> {
  const meters = control.list('meter').map(({ id, body }) => ({ id, meter: body }));
  const answers = await queries.meterVolumes({ meters, edgesMs: [fromMs, toMs] });
  return answers.map((answer) => ({ meter: answer.meter, ...totalOf(answer) }));
}

function totalOf(answer: MeterVolumes | undefined): Amount {
  return (answer?.buckets ?? []).reduce<Amount>(addAmounts, NO_WATER);
}

/** A meter that is new or gone since counts against nothing. */
function differences(
  then: readonly ({ meter: string } & Amount)[],
  now: readonly ({ meter: string } & Amount)[],
): ({ meter: string } & Amount)[] {
  const before = new Map(then.map((one) => [one.meter, one]));
  const after = new Map(now.map((one) => [one.meter, one]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((meter) => {
    const old = before.get(meter) ?? NO_WATER;
    const current = after.get(meter) ?? NO_WATER;
    const change = {
      measuredLitres: current.measuredLitres - old.measuredLitres,
      estimatedLitres: current.estimatedLitres - old.estimatedLitres,
      unknownMs: current.unknownMs - old.unknownMs,
    };
    return Object.values(change).some((part) => part !== 0) ? [{ meter, ...change }] : [];
  });
}

/** Keys sorted at every depth, so that the same content has the same bytes. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
