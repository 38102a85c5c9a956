/**
 * What isn't known stands beside every figure, and nothing is divided by it: 75 recipients' meters over a transfer year, of
 * which one has been read.
 */
import { describe, expect, it } from 'vitest';
import type { Report } from '#api/reports/schemas/reports.ts';
import type { VolumeQuery } from '#books/questions/queries.ts';
import { type ApiRig, METER, startApi } from '#tests/helpers/api.ts';
import { workbookSheets } from '#tests/helpers/reports/workbook.ts';

const HOUR = 3_600_000;
const YEAR_START = Date.UTC(2024, 9, 31, 16);
const YEAR_END = Date.UTC(2025, 9, 31, 16);
const BEIJING = 993_345_503_430;
const BEFORE = 844_035_604_000;
/** 74 meters over 365 days. */
const UNKNOWN = 648_240;
const OFFTAKES = 73;

type Known = (meter: string, startMs: number) => { litres?: number; unknownMs?: number } | undefined;

/** @param known what is known of a meter in a bucket; undefined = nothing. */
async function openRig(known: Known, config: { unknownTolerance?: number } = {}): Promise<ApiRig> {
  const rig = await startApi({ config });
  const put = (noun: 'meter' | 'plan', id: string, body: unknown) =>
    rig.journal.appendCommand('seed', { verb: 'put', noun, id, body });
  await put('meter', 'beijing', METER);
  await put('meter', 'intake', { ...METER, measures: 'intake', recipient: undefined });
  await Promise.all(
    Array.from({ length: OFFTAKES }, (_, index) =>
      put('meter', `offtake-${index}`, { ...METER, recipient: ['hebei', 'henan'][index % 2] }),
    ),
  );
  await put('meter', 'tianjin', { ...METER, recipient: 'tianjin' });
  await put('plan', 'beijing.2024-25', { cubicMetres: 1_100_000_000 });
  rig.queries.meterVolumes = async ({ meters, edgesMs }: VolumeQuery) =>
    meters.map(({ id }) => ({
      meter: id,
      buckets: edgesMs.slice(1).map((endMs, index) => {
        const startMs = edgesMs[index]!;
        const { litres = 0, unknownMs = 0 } = known(id, startMs) ?? { unknownMs: endMs - startMs };
        return { startMs, endMs, measuredLitres: litres, estimatedLitres: 0, unknownMs };
      }),
    }));
  return rig;
}

/** Beijing's year in its first month, and its year before. */
const beijingOnly: Known = (meter, startMs) => {
  if (meter !== 'beijing') return undefined;
  if (startMs === YEAR_START) return { litres: BEIJING };
  return { litres: startMs < YEAR_START ? BEFORE : 0 };
};
const everything: Known = (meter, startMs) => {
  if (meter === 'beijing') return beijingOnly(meter, startMs);
  return { litres: meter === 'intake' && startMs === YEAR_START ? 2 * BEIJING : 0 };
};

const report = async (rig: ApiRig, query = '') =>
  (await rig.call('GET', `/api/v1/reports/2024-25${query}`)).json() as Report;

describe('a report of a year of which most is unknown', () => {
  it('tells no share, change or loss, and its unknown hours beside each', async () => {
    const made = await report(await openRig(beijingOnly));
    expect(made.total).toMatchObject({ cubicMetres: 993_345_503.43, unknownHours: UNKNOWN });
    // 17.69 % by what is known: of 74 meters neither year is.
    expect(made.total.yearBefore).toMatchObject({
      cubicMetres: 844_035_604,
      unknownHours: UNKNOWN + 24 * 74,
      change: null,
    });
    expect(made.recipients.map(({ recipient, share }) => [recipient, share])).toEqual([
      ['beijing', null],
      ['hebei', null],
      ['henan', null],
      ['tianjin', null],
    ]);
    expect(made.balance).toMatchObject({ loss: null, lossShare: null, lossUnknownHours: UNKNOWN + 8760 });
    // Beijing's own year and the one before are known: that may be compared.
    expect(made.recipients[0]!.yearBefore.change).toBeCloseTo(0.1769, 4);
    expect(made.source.limits.unknownTolerance).toBe(0.01);
  });

  it('tells all of them once it is known', async () => {
    const made = await report(await openRig(everything));
    expect(made.total).toMatchObject({ cubicMetres: 993_345_503.43, unknownHours: 0 });
    expect(made.total.yearBefore.change).toBeCloseTo(0.1769, 4);
    expect(made.recipients.map(({ share }) => share)).toEqual([1, 0, 0, 0]);
    expect(made.balance).toMatchObject({ loss: 993_345_503.43, lossShare: 0.5, lossUnknownHours: 0 });
  });

  it.each([
    ['zh', '648,240.00 表·h 缺测', '入渠水量缺测过多或无计量表'],
    ['en', '648,240.00 meter-hours unknown', 'Too much of the intake is unknown'],
  ])('is printed so (%s)', async (language, unknown, noLoss) => {
    const rig = await openRig(beijingOnly);
    const html = (await rig.call('GET', `/api/v1/reports/2024-25?format=html&lang=${language}`)).body;
    // In the same size: both are the bold figure of the head line.
    expect(html).toContain(`<b>993,345,503.430 m³</b><b class="unknown-part">${unknown}</b>`);
    expect(html).toContain('<b>—</b><b class="unknown-part">1,298,256.00 ');
    expect(html).toContain(noLoss);
    expect(html).not.toContain('17.69 %</b>');
  });

  it('has them in every row of CSV and XLSX', async () => {
    const rig = await openRig(beijingOnly);
    const csv = (await rig.call('GET', '/api/v1/reports/2024-25?format=csv')).body.split('\n');
    expect(csv.find((row) => row.startsWith('loss,'))).toMatch(/,,,,657000,,,$/);
    expect(csv.find((row) => row.startsWith('period,beijing'))).toMatch(/,993345503.43,993345503.43,0,0,,,$/);
    expect(csv.find((row) => row.startsWith('year-before,,'))).toMatch(/,844035604,844035604,0,650016,,,2023-24$/);
    const { rawPayload } = await rig.call('GET', '/api/v1/reports/2024-25?format=xlsx&lang=en');
    const sheets = workbookSheets(rawPayload);
    const balance = sheets.find(({ name }) => name === 'Water balance')!;
    const loss = balance.rows.find((row) => row[0]?.value.startsWith('Loss'))!;
    expect(loss.map((cell) => cell?.value ?? '')).toEqual([expect.stringContaining('Loss'), '', '', '', '657000', '']);
  });
});

describe('the tolerance', () => {
  const total = (YEAR_END - YEAR_START) * 75;
  const unknown = (ms: number): Known => {
    return (meter, startMs) =>
      meter === 'tianjin' && startMs === YEAR_START ? { unknownMs: ms } : everything(meter, startMs);
  };

  it.each([
    ['1 % is within', 0.01, total * 0.01, 1],
    ['an hour more is beyond', 0.01, total * 0.01 + HOUR, null],
    ['none at all is asked for', 0, HOUR, null],
    ['anything will do', 1, total * 0.01 + HOUR, 1],
  ])('%s', async (_, unknownTolerance, unknownMs, share) => {
    const made = await report(await openRig(unknown(unknownMs), { unknownTolerance }));
    expect(made.recipients[0]!.share).toBe(share);
    expect(made.source.limits.unknownTolerance).toBe(unknownTolerance);
  });
});

describe('GET /balances', () => {
  const query = `from=${new Date(YEAR_START).toISOString()}&to=${new Date(YEAR_END).toISOString()}`;

  it('has no share of 100 % while three recipients are unknown, and no loss over an unknown intake', async () => {
    const answer = (await (await openRig(beijingOnly)).call('GET', `/api/v1/balances?${query}`)).json();
    expect(answer.unknownTolerance).toBe(0.01);
    expect(answer.recipients.map(({ share }: { share: number | null }) => share)).toEqual([null, null, null, null]);
    expect(answer.total).toMatchObject({
      intake: { cubicMetres: 0, unknownHours: 8760 },
      delivery: { cubicMetres: 993_345_503.43, unknownHours: UNKNOWN },
      loss: null,
      lossShare: null,
      lossUnknownHours: UNKNOWN + 8760,
    });
  });

  it('tells the loss over a known intake, with the unknown hours of what went out', async () => {
    const rig = await openRig((meter, startMs) => (meter === 'tianjin' ? undefined : everything(meter, startMs)));
    const { total } = (await rig.call('GET', `/api/v1/balances?${query}`)).json();
    expect(total).toMatchObject({ loss: 993_345_503.43, lossShare: 0.5, lossUnknownHours: 8760 });
  });

  it('has no loss where nothing meters the intake', async () => {
    const rig = await openRig(everything);
    await rig.journal.appendCommand('seed', { verb: 'delete', noun: 'meter', id: 'intake' });
    const { total } = (await rig.call('GET', `/api/v1/balances?${query}`)).json();
    expect(total).toMatchObject({ loss: null, lossShare: null, lossUnknownHours: 0 });
  });

  it('holds no meter against one of which nothing is known', async () => {
    const rig = await openRig((meter, startMs) => (meter === 'check' ? { litres: 1000 } : beijingOnly(meter, startMs)));
    const check = { ...METER, measures: 'intake', recipient: undefined, sister: 'intake' };
    await rig.journal.appendCommand('seed', { verb: 'put', noun: 'meter', id: 'check', body: check });
    const { divergences } = (await rig.call('GET', `/api/v1/balances?${query}`)).json();
    expect(divergences).toMatchObject([{ meter: 'check', difference: null, share: null, unknownHours: 8760 }]);
  });
});

describe('GET /plans', () => {
  const plan = async (known: Known) =>
    (await (await openRig(known)).call('GET', '/api/v1/plans/beijing/2024-25')).json();

  it('compares with no year of which most is unknown', async () => {
    const known: Known = (meter, startMs) => {
      return startMs < YEAR_START ? { litres: BEFORE, unknownMs: 200 * 24 * HOUR } : beijingOnly(meter, startMs);
    };
    expect((await plan(known)).yearBefore).toMatchObject({
      delivered: { cubicMetres: 844_035_604, unknownHours: 4800 },
      change: null,
    });
    expect((await plan(beijingOnly)).yearBefore.change).toBeCloseTo(0.1769, 4);
  });

  it('projects nothing from days of which nothing is known', async () => {
    const unread: Known = (meter, startMs) => (startMs > YEAR_START ? undefined : beijingOnly(meter, startMs));
    expect(await plan(unread)).toMatchObject({
      delivered: { cubicMetres: 993_345_503.43, unknownHours: 0 },
      progress: BEIJING / 1.1e12,
      runRate: 0,
      runRateUnknownHours: 720,
      projected: null,
      completion: null,
    });
    expect(await plan(beijingOnly)).toMatchObject({ runRateUnknownHours: 0, projected: 993_345_503.43 });
  });
});
