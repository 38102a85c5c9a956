import { expect, it } from 'vitest';
import { createFaceUnits } from '#ingest/face-units.ts';
import { Control } from '#journal/registers.ts';
import type { Entry } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import { loadReference } from '#seeds/reference.ts';

const reference = loadReference();
const T = Date.UTC(2026, 0, 1);
let seq = 0;
function put(control: Control, noun: Noun, id: string, body: unknown): void {
  control.apply({
    seq: ++seq,
    receivedMs: seq,
    kind: 'command',
    actor: 'test',
    command: { verb: 'put', noun, id, body },
  } as Entry);
}

it("reads a register without a unit in the unit of its meter's face", () => {
  const control = new Control([]);
  const units = createFaceUnits(control, reference);
  expect(units.of('a', 'register', T)).toBeUndefined();
  put(control, 'meter', 'm', { station: 'a', parameter: 'register', unit: 'L' });
  put(control, 'meter', 'n', { station: 'b', parameter: 'register', unit: 'm3' });
  put(control, 'meter', 'o', { station: 'c', parameter: 'flow', unit: 'm3' });
  expect(units.of('a', 'register', T)).toBe('L');
  expect(units.of('a', 'flow', T)).toBeUndefined();
  expect(units.of('b', 'register', T)).toBeUndefined();
  expect(units.of('c', 'flow', T)).toBeUndefined();
});

it('lets the meter that was there first say what values without a unit mean, as long as it measures', () => {
  const control = new Control([]);
  const units = createFaceUnits(control, reference);
  const body = { station: 'a', parameter: 'register' };
  put(control, 'meter', 'm', { ...body, unit: 'L' });
  put(control, 'meter', 'a-second', { ...body, unit: 'm3' });
  put(control, 'meter', 'z-third', { ...body, unit: 'km3' });
  expect(units.of('a', 'register', T)).toBe('L');
  put(control, 'meter', 'm', { ...body, unit: 'L', to: '2026-01-01T00:00:00Z' });
  expect([T - 1, T].map((timeMs) => units.of('a', 'register', timeMs))).toEqual(['L', undefined]);
  // Nobody measured then: it is still the first one's place.
  put(control, 'meter', 'a-second', { ...body, unit: 'm3', from: '2026-02-01T00:00:00Z' });
  expect(units.of('a', 'register', T)).toBe('L');
  control.apply({
    seq: ++seq,
    receivedMs: seq,
    kind: 'command',
    actor: 'test',
    command: { verb: 'delete', noun: 'meter', id: 'm' },
  } as Entry);
  expect(units.of('a', 'register', Date.UTC(2026, 2, 1))).toBeUndefined();
  put(control, 'meter', 'm', { ...body, unit: 'L' });
  expect(units.of('a', 'register', Date.UTC(2026, 2, 1))).toBeUndefined();
});
