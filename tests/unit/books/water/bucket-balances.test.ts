/** Sums over meters that are made where they are read are those of the meters one by one, to the litre. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { VolumeQuery } from '#books/questions/queries.ts';
import { balanceOf, countedWater } from '#books/water/balance.ts';
import { balanceAt, bucketBalances } from '#books/water/bucket-balances.ts';
import { partsOf } from '#books/water/meter-relations.ts';
import { HOUR_MS } from '#model/calendar.ts';
import { meter as meterSchema } from '#model/register.ts';
import { METER } from '#tests/helpers/api.ts';

/** Litres that a meter's name and the bucket's edges give. */
const queries = {
  meterVolumes: async ({ meters, edgesMs }: VolumeQuery) =>
    meters.map(({ id }) => ({
      meter: id,
      buckets: edgesMs.slice(1).map((endMs, index) => {
        const litres = Number(id.slice(1)) * 1_000_003 + (endMs / HOUR_MS) * 7;
        const [startMs, unknownMs] = [edgesMs[index]!, (litres % 5) * 1000];
        return { startMs, endMs, measuredLitres: litres, estimatedLitres: litres % 13, unknownMs };
      }),
    })),
};
const KINDS = ['intake', 'delivery', 'release', 'ecological'] as const;
const recipientOf = (kind: string) => (kind === 'delivery' || kind === 'ecological' ? 'beijing' : undefined);

it('sums the water of many meters by bucket and kind', async () => {
  const named = fc.record({ kind: fc.constantFrom(...KINDS), hours: fc.integer({ min: 0, max: 30 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(named, { maxLength: 35 }), fc.boolean(), async (meters, isShifted) => {
      const parts = partsOf(
        meters.map(({ kind, hours }, index) => ({
          id: `m${index}`,
          meter: meterSchema.parse({
            ...METER,
            measures: kind,
            recipient: recipientOf(kind),
            travelTime: `PT${hours}H`,
          }),
        })),
      );
      const edgesMs = Array.from({ length: 6 }, (_, n) => Date.UTC(2026, 9, 1) + n * 24 * HOUR_MS);
      const found = await bucketBalances(queries, { parts, edgesMs, isShifted });
      const counted = await countedWater(queries, parts, edgesMs, isShifted);
      const buckets = edgesMs.slice(1).map((_, index) => balanceAt(found, index));
      expect(buckets).toEqual(edgesMs.slice(1).map((_, index) => balanceOf(counted, (one) => one.buckets[index]!)));
      expect(found.counted).toEqual(counted.map(({ buckets: _, ...part }) => part));
    }),
    { numRuns: 30 },
  );
});
