/** Every vector of ioos_qc that the domain notes carry, against the tests as we make them; none is left out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Flag } from '#model/flag.ts';
import { attenuatedDeviation, attenuatedRange } from '#quality/attenuated.ts';
import { type ClimatologyMember, climatology } from '#quality/climatology.ts';
import { densityInversion } from '#quality/companions.ts';
import { flatLine } from '#quality/flat-line.ts';
import { dataReception, location, syntax, timeGap } from '#quality/record-tests.ts';
import { grossRange, rateOfChange, rollUp, spike } from '#quality/tests.ts';

type Span = [number, number];
interface Member {
  tspan: Span | [string, string];
  period?: 'month';
  vspan: Span;
  fspan?: Span;
  zspan?: Span;
}
interface Vector {
  test: string;
  inp: (number | null)[];
  expected: Flag[];
  fail_span: Span;
  suspect_span: Span;
  suspect_threshold: number;
  fail_threshold: number;
  step_s: number;
  threshold_per_s: number;
  fail_threshold_per_s?: number;
  suspect_threshold_s: number;
  fail_threshold_s: number;
  tolerance: number;
  check_type: 'std' | 'range';
  test_period_s?: number;
  min_obs?: number;
  members: Member[];
  times: (string | null)[];
  from_time: string;
  fail_span_h: number;
  z: number[];
  lat: number[];
  lon: number[];
  range_max_m: number;
  data: string;
  nchar: number;
  delimiter: string;
  vectors: Flag[][];
}

const HOUR_MS = 3_600_000;
const epochMs = (text: string) => Date.parse(text.includes('T') ? `${text}Z` : text);
const timesOf = ({ times }: Vector) => times.map((text) => (text === null ? null : epochMs(text)));
const stepsOf = ({ inp, step_s }: Vector) => inp.map((_, i) => i * step_s * 1000);

function each(values: (number | null)[], flag: (value: number, i: number) => Flag): Flag[] {
  return values.map((value, i) => (value === null ? 9 : flag(value, i)));
}

function spikes({ inp, suspect_threshold, fail_threshold }: Vector, method: 'average' | 'differential'): Flag[] {
  return each(inp, (value, i) =>
    spike(inp[i - 1] ?? null, value, inp[i + 1] ?? null, [suspect_threshold, fail_threshold], method),
  );
}

function attenuated(vector: Vector): Flag[] {
  const test = {
    periodMs: vector.test_period_s === undefined ? null : vector.test_period_s * 1000,
    valuesMin: vector.min_obs ?? 0,
    suspect: vector.suspect_threshold,
    fail: vector.fail_threshold,
  };
  return vector.check_type === 'std'
    ? attenuatedDeviation(vector.inp, test)
    : attenuatedRange(stepsOf(vector), vector.inp, test);
}

function toMember({ tspan, vspan, fspan, zspan }: Member): ClimatologyMember {
  const rest = { suspect: vspan, fail: fspan, depthMetres: zspan };
  const [from, to] = tspan;
  if (typeof from === 'string') return { timesMs: [epochMs(from), epochMs(to as string)], ...rest };
  // pandas counts months from 1, so the vector's month 0 is none.
  return { months: [Math.max(1, from), to as number], ...rest };
}

const evaluate: Record<string, (vector: Vector) => Flag[]> = {
  gross_range: ({ inp, fail_span, suspect_span }) => each(inp, (value) => grossRange(value, fail_span, suspect_span)),
  spike_average: (vector) => spikes(vector, 'average'),
  spike_differential: (vector) => spikes(vector, 'differential'),
  rate_of_change: ({ inp, step_s, threshold_per_s, fail_threshold_per_s }) =>
    each(inp, (value, i) =>
      rateOfChange(
        inp[i - 1] ?? null,
        value,
        step_s,
        [threshold_per_s, fail_threshold_per_s ?? Number.POSITIVE_INFINITY],
        1,
      ),
    ),
  flat_line: (vector) =>
    flatLine(
      stepsOf(vector),
      vector.inp,
      {
        tolerance: vector.tolerance,
        suspectMs: vector.suspect_threshold_s * 1000,
        failMs: vector.fail_threshold_s * 1000,
      },
      vector.step_s * 1000,
      3 * vector.step_s * 1000,
    ),
  attenuated_signal: attenuated,
  climatology: (vector) =>
    each(vector.inp, (value, i) =>
      climatology(timesOf(vector)[i]!, value, vector.members.map(toMember), vector.z?.[i] ?? null),
    ),
  location: ({ lat, lon, range_max_m }) =>
    location(
      lat.map((each, i) => ({ lat: each, lon: lon[i]! })),
      range_max_m,
    ),
  time_gap: (vector) => timeGap(timesOf(vector), vector.fail_span_h * HOUR_MS),
  data_reception: (vector) =>
    timesOf(vector).map((timeMs) => dataReception(timeMs, epochMs(vector.from_time), vector.fail_span_h * HOUR_MS)),
  syntax: ({ data, nchar, delimiter }) => [syntax(data, nchar, delimiter)],
  density_inversion: ({ z, inp, suspect_threshold, fail_threshold }) =>
    densityInversion(z, inp, { suspect: suspect_threshold, fail: fail_threshold }),
  aggregate: ({ vectors }) => vectors[0]!.map((_, i) => rollUp(vectors.map((flags) => flags[i]!))),
};

const file = join(import.meta.dirname, '../../cases/qc/ioos-vectors.json');
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };

describe('ioos_qc vectors', () => {
  test('all 42 are there, and each has a test of ours to go through', () => {
    expect(vectors).toHaveLength(42);
    expect(new Set(vectors.map((vector) => vector.test))).toEqual(new Set(Object.keys(evaluate)));
  });
  test.each(vectors.map((vector, i) => [`${i} ${vector.test}`, vector] as const))('%s', (_, vector) => {
    expect(evaluate[vector.test]!(vector)).toEqual(vector.expected);
  });
});
