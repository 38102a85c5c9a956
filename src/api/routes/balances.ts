/** The water balance of the canal: what came in, what was delivered to whom, what was lost, which meters disagree. */
import { bucketEdges, DAY_MS } from '#model/calendar.ts';
import { durationMs } from '#model/duration.ts';
import type { VolumeBucket } from '#store/queries.ts';
import { type Amount, addAmounts, type Balance, divergenceOf, litresOf, lossOf, NO_WATER } from '#volume/balance.ts';
import { INAUGURATION_MS } from '#volume/calendar-names.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { isoText, rangeOf, timeZoneOf, zonedTexts } from '../instants.ts';
import { type BalanceAnswer, balance, balanceQuery } from '../schemas/balances.ts';
import { documented } from '../schemas/common.ts';
import { amountView, countedMeters, cubicMetres, type NamedMeter } from '../volume-views.ts';

const BUCKETS_MAX = 5000;

/** One meter's amounts in each bucket of the range. */
interface Counted extends NamedMeter {
  buckets: VolumeBucket[];
  total: Amount;
}

export function balanceRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock } = deps;
  api.route({
    method: 'GET',
    url: '/balances',
    config: { access: 'viewer' },
    schema: {
      querystring: balanceQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Intake against deliveries with the loss, recipients with their offtakes, meters that disagree',
        description:
          'The last 30 days unless told; `from=inauguration` is 2014-12-12 14:32 +08:00. A meter that checks another (`sister`) is in no sum. Intake, deliveries and East + Middle totals are different quantities: these are the Middle Route’s own.',
        answer: balance,
        faults: ['range.invalid', 'range.too-many-buckets', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<BalanceAnswer> {
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const from = query.from === 'inauguration' ? isoText(INAUGURATION_MS) : query.from;
      const range = rangeOf({ ...query, from }, { nowMs: clock.nowMs(), timeZone, defaultMs: 30 * DAY_MS });
      const edgesMs = bucketEdges(range.fromMs, range.toMs, query.by, timeZone, BUCKETS_MAX);
      await deps.caughtUp('books');
      const counted = await countedWater(deps, countedMeters(deps), edgesMs, query.shift === 'travel');
      const text = zonedTexts(timeZone);
      const items = edgesMs.slice(1).map((endMs, index) => {
        const of = (meter: Counted) => meter.buckets[index]!;
        return { start: text(edgesMs[index]!), end: text(endMs), ...balanceView(balanceOf(counted, of)) };
      });
      const edge = zonedTexts(timeZone);
      return {
        unit: 'm3',
        by: query.by,
        timeZone,
        shift: query.shift,
        items,
        total: {
          start: edge(range.fromMs),
          end: edge(range.toMs),
          ...balanceView(balanceOf(counted, (meter) => meter.total)),
        },
        recipients: recipients(deps, counted),
        divergences: await divergences(deps, [range.fromMs, range.toMs]),
      };
    },
  });
}

/** Meters with the same travel time share their edges, so there are as many questions as travel times. */
async function countedWater(
  { queries }: ApiDeps,
  meters: readonly NamedMeter[],
  edgesMs: number[],
  isShifted: boolean,
): Promise<Counted[]> {
  const shiftOf = ({ meter }: NamedMeter) => (isShifted && meter.travelTime ? durationMs(meter.travelTime) : 0);
  const counted: Counted[] = [];
  for (const [shiftMs, group] of Map.groupBy(meters, shiftOf)) {
    const answers = await queries.meterVolumes({ meters: group, edgesMs: edgesMs.map((edgeMs) => edgeMs + shiftMs) });
    for (const [index, { buckets }] of answers.entries()) {
      counted.push({ ...group[index]!, buckets, total: buckets.reduce<Amount>(addAmounts, NO_WATER) });
    }
  }
  return counted.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function balanceOf(meters: readonly Counted[], of: (meter: Counted) => Amount): Balance {
  const all: Balance = { intake: NO_WATER, delivery: NO_WATER, release: NO_WATER, ecological: NO_WATER };
  for (const counted of meters) all[counted.meter.measures] = addAmounts(all[counted.meter.measures], of(counted));
  return all;
}

function balanceView(all: Balance) {
  const { litres, share } = lossOf(all);
  return {
    intake: amountView(all.intake),
    delivery: amountView(all.delivery),
    release: amountView(all.release),
    ecological: amountView(all.ecological),
    loss: cubicMetres(litres),
    lossShare: share,
  };
}

/** Whoever gets water, with the offtakes that it comes through. */
function recipients({ control }: ApiDeps, counted: readonly Counted[]): BalanceAnswer['recipients'] {
  const delivered = counted.filter(({ meter }) => meter.recipient !== undefined && meter.measures !== 'intake');
  const all = litresOf(delivered.map(({ total }) => total).reduce(addAmounts, NO_WATER));
  return [...Map.groupBy(delivered, ({ meter }) => meter.recipient!)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, own]) => {
      const sum = own.map(({ total }) => total).reduce(addAmounts, NO_WATER);
      return {
        recipient,
        ...amountView(sum),
        share: all === 0 ? null : litresOf(sum) / all,
        meters: own.map(({ id, meter, total }) => ({
          meter: id,
          station: meter.station,
          area: control.get('station', meter.station)?.area ?? null,
          measures: meter.measures,
          ...amountView(total),
        })),
      };
    });
}

/** Pairs that measure the same water: declared sisters, and register and flow of one station that measure the same. */
async function divergences(deps: ApiDeps, edgesMs: number[]): Promise<BalanceAnswer['divergences']> {
  const meters = deps.control.list('meter').map(({ id, body }): NamedMeter => ({ id, meter: body }));
  const pairs = meters.flatMap((checked): [NamedMeter, NamedMeter][] => {
    const against = meters.find((other) => isSameWater(checked, other));
    return against ? [[checked, against]] : [];
  });
  const asked = [...new Map(pairs.flat().map((named) => [named.id, named])).values()];
  const answers = await deps.queries.meterVolumes({ meters: asked, edgesMs });
  const totals = new Map(answers.map(({ meter, buckets }) => [meter, buckets.reduce<Amount>(addAmounts, NO_WATER)]));
  return pairs.map(([checked, against]) => {
    const own = totals.get(checked.id) ?? NO_WATER;
    const base = totals.get(against.id) ?? NO_WATER;
    const { litres, share } = divergenceOf(own, base);
    return {
      meter: checked.id,
      against: against.id,
      cubicMetres: cubicMetres(litresOf(own)),
      againstCubicMetres: cubicMetres(litresOf(base)),
      difference: cubicMetres(litres),
      share,
      unknownHours: amountView(addAmounts(own, base)).unknownHours,
    };
  });
}

function isSameWater(checked: NamedMeter, other: NamedMeter): boolean {
  if (checked.meter.sister !== undefined) return other.id === checked.meter.sister;
  return (
    checked.meter.parameter === 'flow' &&
    other.meter.parameter === 'register' &&
    other.meter.sister !== checked.id &&
    other.meter.station === checked.meter.station &&
    other.meter.measures === checked.meter.measures
  );
}
