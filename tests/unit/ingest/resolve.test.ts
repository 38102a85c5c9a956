import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf } from '#ingest/instant.ts';
import { parameterOf, type Quantity, quantityOf } from '#ingest/resolve.ts';
import { isUnexplained } from '#model/flag.ts';
import { station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { NOW_MS, smallReference } from '#tests/helpers/ingest/door.ts';

const reference = smallReference();

describe('times', () => {
  const codeOf = (time: unknown) => {
    const result = instantOf(time, NOW_MS);
    return typeof result === 'number' ? result : result.code;
  };

  it('RFC 3339 is read as Temporal reads it, whatever the offset and fraction', () => {
    const two = (number: number) => String(number).padStart(2, '0');
    const time = fc.record({
      ms: fc.integer({ min: Date.UTC(2000, 0, 2), max: NOW_MS - 86_400_000 }),
      offset: fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
      digits: fc.integer({ min: 0, max: 9 }),
      separator: fc.constantFrom('T', 't', ' '),
    });
    fc.assert(
      fc.property(time, ({ ms, offset, digits, separator }) => {
        const local = new Date(ms + offset * 60_000).toISOString();
        const fraction = digits === 0 ? '' : `.${`${local.slice(20, 23)}987654`.slice(0, digits)}`;
        const minutes = Math.abs(offset);
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
        const text = `${local.slice(0, 10)}${separator}${local.slice(11, 19)}${fraction}${zone}`;
        expect(codeOf(text)).toBe(Temporal.Instant.from(text.replace(separator, 'T')).epochMilliseconds);
      }),
    );
  });

  it.each([
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2024-02-29t00:00:00.5z', Date.UTC(2024, 1, 29) + 500],
    ['2000-01-01T00:00:00Z', 946_684_800_000],
    ['2000-01-01T00:00:00-00:00', 946_684_800_000],
    [NOW_MS + 600_000, NOW_MS + 600_000],
    [NOW_MS - 0.5, NOW_MS - 1],
    ['1999-12-31T23:59:59.999Z', 'time.impossible'],
    ['0000-01-01T00:00:00Z', 'time.impossible'],
    [NOW_MS + 600_001, 'time.impossible'],
    [-1, 'time.impossible'],
    [1e300, 'time.impossible'],
    [Math.floor(NOW_MS / 1000), 'time.seconds'],
    [946_684_800, 'time.seconds'],
    [946_684_799, 'time.impossible'],
    ['2026-11-22T08:00:00', 'time.no-offset'],
    ['2026-11-22 08:00', 'time.no-offset'],
    ['2026-11-22T08:00:00.123', 'time.no-offset'],
    ['2026-11-22T08:00+08:00', 'time.malformed'],
    ['2023-02-29T00:00:00Z', 'time.malformed'],
    ['2100-02-29T00:00:00Z', 'time.malformed'],
    ['2026-13-01T00:00:00Z', 'time.malformed'],
    ['2026-00-01T00:00:00Z', 'time.malformed'],
    ['2026-04-31T00:00:00Z', 'time.malformed'],
    ['2026-11-22T24:00:00Z', 'time.malformed'],
    ['2026-11-22T23:60:00Z', 'time.malformed'],
    ['2016-12-31T23:59:60Z', 'time.malformed'],
    ['2026-11-22T08:00:00.Z', 'time.malformed'],
    ['2026-11-22T08:00:00+0800', 'time.malformed'],
    ['2026-11-22T08:00:00+24:00', 'time.malformed'],
    ['2026-11-22T08:00:00+08:60', 'time.malformed'],
    ['2026-11-22T08:00:00Z ', 'time.malformed'],
    ['2026-11-22\u000008:00:00Z', 'time.malformed'],
    ['+02026-11-22T08:00:00Z', 'time.malformed'],
    ['', 'time.malformed'],
    [String(NOW_MS), 'time.malformed'],
    [Number.NaN, 'time.malformed'],
    [Number.POSITIVE_INFINITY, 'time.malformed'],
    [null, 'time.malformed'],
    [['2026-11-22T08:00:00Z'], 'time.malformed'],
  ])('%j is %s', (time, expected) => expect(codeOf(time)).toBe(expected));

  it('nothing makes it throw or give what is no whole millisecond', () => {
    fc.assert(
      fc.property(fc.anything(), (time) => {
        const result = codeOf(time);
        if (typeof result === 'number') expect(Number.isSafeInteger(result)).toBe(true);
      }),
    );
  });
});

describe('parameters', () => {
  it('by id, by alias in any case, by no property of objects', () => {
    expect(parameterOf(reference, 'ph')?.id).toBe('ph');
    expect(parameterOf(reference, 'pH')?.id).toBe('ph');
    expect(parameterOf(reference, 'W21003')?.id).toBe('nh3n');
    for (const name of ['__proto__', 'constructor', '', 'w9']) expect(parameterOf(reference, name)).toBeUndefined();
  });

  it('every id, alias and unit of the reference leads to its parameter', () => {
    const real = loadReference();
    const quantity: Quantity = { value: null, deviceFlag: null, censored: undefined };
    for (const [id, entry] of real.parameters) {
      for (const name of [id, id.toUpperCase(), ...entry.aliases]) expect(parameterOf(real, name)?.id).toBe(id);
      for (const unit of [entry.unit, ...Object.keys(entry.units)]) {
        expect(quantityOf({ value: 1.5, unit }, entry, quantity)).toBeNull();
        if (unit === entry.unit) expect(quantity.value).toBe(1.5);
      }
    }
  });
});

describe('values', () => {
  const quantity: Quantity = { value: null, deviceFlag: null, censored: undefined };
  const nh3n = parameterOf(reference, 'nh3n')!;

  it('in the canonical unit stay the same double', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), (value) => {
        expect(quantityOf({ value, unit: 'mg/L' }, nh3n, quantity)).toBeNull();
        expect(quantity.value).toBe(value + 0);
        expect(quantityOf({ value, unit: 'ug/L' }, nh3n, quantity)).toBeNull();
        expect(quantity.value).toBe(value * 0.001 + 0);
      }),
    );
  });

  it('whatever is sent gives a number, null or a fault, and nothing of the value before it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (sent) => {
        quantityOf({ value: 1, flag: 'X' }, nh3n, quantity);
        const fault = quantityOf(sent, nh3n, quantity);
        if (fault === null) expect(quantity.value === null || Number.isFinite(quantity.value)).toBe(true);
        if (typeof sent === 'number') expect(quantity).toMatchObject({ deviceFlag: null, censored: undefined });
      }),
    );
  });

  it.each(['ND', 'n.d.', '未检出', 'BDL', '<LOD'])(
    '%s is below the limit that the station or the parameter has',
    (text) => {
      const at = (detectionLimit?: number) =>
        station.parse({
          name: { zh: '断面', en: 'Section' },
          kind: 'river-section',
          waterBody: 'river',
          parameters: [{ id: 'nh3n', ...(detectionLimit && { detectionLimit }) }],
        });
      // The limit is in the canonical unit, whatever the unit of the column that the text stands in.
      for (const sent of [text, { value: text, unit: 'ug/L' }]) {
        expect(quantityOf(sent, nh3n, quantity, undefined, false, at(0.025))).toBeNull();
        expect(quantity).toMatchObject({ value: 0.025, censored: '<' });
        expect(quantityOf(sent, { ...nh3n, detectionLimit: 0.01 }, quantity, undefined, false, at())).toBeNull();
        expect(quantity).toMatchObject({ value: 0.01, censored: '<' });
        const fault = quantityOf(sent, nh3n, quantity, undefined, true, at());
        expect(fault).toEqual({
          code: 'value.not-a-number',
          message: `"${text}" does not say below what: send the limit with it, as "<0.02", or set the detectionLimit of nh3n at the station.`,
        });
      }
    },
  );

  it.each([
    ['<0.025', 0.025],
    ['＜0.025', 0.025],
    ['0.025L', 0.025],
    ['未检出（0.025L）', 0.025],
  ])('%s states its limit, whatever limit is known', (text, value) => {
    expect(quantityOf(text, { ...nh3n, detectionLimit: 0.01 }, quantity)).toBeNull();
    expect(quantity).toMatchObject({ value, censored: '<' });
  });

  it.each([
    ['N', 'N', true],
    [' N ', 'N', true],
    ['', null, true],
    [null, null, true],
    [4, '4', true],
    [5, '5', false],
    [1.5, '1.5', false],
    ['n', 'n', false],
    [true, '(boolean)', false],
    [['N'], '(object)', false],
    ['x'.repeat(1000), `${'x'.repeat(15)}…`, false],
  ])('the device flag %j is kept as %j, known: %j', (flag, deviceFlag, isKnown) => {
    expect(quantityOf({ value: 1, flag }, nh3n, quantity)).toBeNull();
    expect(quantity).toEqual({ value: 1, deviceFlag });
    expect(isUnexplained(quantity.deviceFlag, undefined)).toBe(!isKnown);
  });
});
