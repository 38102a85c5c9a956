import { expect, it } from 'vitest';
import { createFaceUnits } from '#ingest/face-units.ts';
import type { Entry, Noun } from '#model/entry.ts';
import { loadReference } from '#seeds/reference.ts';
import { Control } from '#store/control.ts';

const reference = loadReference();
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
  expect(units.of('a', 'register')).toBeUndefined();
  put(control, 'meter', 'm', { station: 'a', parameter: 'register', unit: 'L' });
  put(control, 'meter', 'n', { station: 'b', parameter: 'register', unit: 'm3' });
  put(control, 'meter', 'o', { station: 'c', parameter: 'flow', unit: 'm3' });
  expect(units.of('a', 'register')).toBe('L');
  expect(units.of('a', 'flow')).toBeUndefined();
  expect(units.of('b', 'register')).toBeUndefined();
  expect(units.of('c', 'flow')).toBeUndefined();
});
