/** docs/quality.md: its worked examples are what the program gives, its thresholds are the defaults. */
import { expect, it } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import { station } from '#model/register.ts';
import { finalFlags } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { loadReference } from '#seeds/reference.ts';
import { aStation, parameter } from '#tests/helpers/ingest/door.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';

const text = readDocument('docs/quality.md');
const examples = fencesOf(text).filter((fence) => fence.text.startsWith('qc '));
const MINUTE_MS = 60_000;

it('there is an example of every test that can be configured', () => {
  const tests = examples.flatMap((fence) => Object.keys(qcOf(fence.text).qc));
  expect(new Set(tests)).toEqual(
    new Set(['fail', 'suspect', 'climatology', 'spike', 'ratePerHour', 'flat', 'attenuated']),
  );
});

it.each(examples.map((fence) => [fence.line, fence.text] as const))('line %i', (_, example) => {
  const { qc, minutes } = qcOf(example);
  const { values, ...given } = rowsOf(example);
  const body = station.parse(aStation({ parameters: [{ id: 'x', interval: `PT${minutes}M`, qc }] }));
  const none = { fail: null, suspect: null, ratePerHour: null, spike: null, flat: null };
  const by = effectiveThresholds(parameter('x', 'mg/L', { qc: none }), body);
  const window = values!.map((value, i) => ({
    timeMs: Date.UTC(2026, 0, 15) + i * minutes * MINUTE_MS,
    value,
    deviceFlag: null,
  }));
  const ring = new Ring(Number.NEGATIVE_INFINITY);
  expect({
    provisional: window.map(({ timeMs, value }) => ring.take(1, timeMs, { value, deviceFlag: null }, by, null).flag),
    final: finalFlags(window, by),
  }).toEqual(given);
});

it('the default thresholds are those of the reference', () => {
  const rows = [
    ...text.matchAll(/^\| `(\w+)` \| (\S+) … (\S+) \| (\S+) … (\S+) \| (\S+), (\S+) \| (\S+), (\S+) \|$/gm),
  ];
  expect(rows.map(([, id]) => id)).toEqual(['temp', 'ph', 'do', 'ec', 'turbidity']);
  const hours = (iso: string) => Number(/^PT(\d+)H$/.exec(iso)![1]) * 60 * MINUTE_MS;
  const number = (cell: string) => Number(cell.replace('−', '-'));
  const reference = loadReference();
  for (const [, id, ...cells] of rows) {
    const { fail, suspect, spike, flat } = reference.parameters.get(id!)!.qc;
    const told = cells.map((cell, i) => (i < 6 ? number(cell) : hours(cell)));
    expect(told, id).toEqual([...fail!, ...suspect!, ...spike!, flat!.suspectMs, flat!.failMs]);
  }
});

function qcOf(example: string) {
  const [, qc, minutes] = /^qc (\{.*\}) every (\d+) min$/m.exec(example)!;
  return { qc: JSON.parse(qc!) as Record<string, unknown>, minutes: Number(minutes) };
}

function rowsOf(example: string): Record<string, (number | null)[]> {
  const rows = example
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    rows.map(([name, ...cells]) => [name, cells.map((cell) => (cell === '-' ? null : Number(cell)))]),
  );
}
