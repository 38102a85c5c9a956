/** Every folder of tests/cases/payloads is a case: a payload, and what the door makes of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ContentType } from '#ingest/door.ts';
import { openDoor } from '#tests/helpers/ingest/door.ts';

const ROOT = fileURLToPath(new URL('../../cases/payloads/', import.meta.url));
const TYPES: Record<string, ContentType> = { 'payload.json': 'application/json', 'payload.csv': 'text/csv' };

interface Expected {
  undecodable: boolean;
  readings: object[];
  quarantined: { code: string; path?: string }[];
  warnings: { code: string; path: string }[];
}

const cases = readdirSync(ROOT);

it('there are cases', () => expect(cases.length).toBeGreaterThan(40));

describe.each(cases)('%s', (name) => {
  const expected = JSON.parse(readFileSync(`${ROOT}${name}/expected.json`, 'utf8')) as Expected;
  const file = readdirSync(`${ROOT}${name}`).find((entry) => entry in TYPES)!;
  const payload = readFileSync(`${ROOT}${name}/${file}`);
  const delivery = { source: 'g1', stations: new Set(['taocha']), contentType: TYPES[file]!, payload };

  it('is taken, refused and counted as expected', async () => {
    const { gate, journal } = await openDoor();
    const preview = gate.preview(delivery);
    const receipt = await gate.accept(delivery);
    const entry = journal.entries[receipt.seq - 1]!;
    if (entry.kind !== 'message') throw new Error('no message was journaled');

    const parameters = new Map(['ph', 'nh3n', 'temp', 'turbidity'].map((id) => [seriesOf(journal, id), id]));
    const readings = entry.readings.map(({ series, ...rest }) => ({ parameter: parameters.get(series), ...rest }));
    expect(readings).toEqual(expected.readings);
    expect(receipt.quarantined.map(({ code, path }) => (path ? { code, path } : { code }))).toEqual(
      expected.quarantined,
    );
    expect((receipt.warnings ?? []).map(({ code, path }) => ({ code, path }))).toEqual(expected.warnings);
    expect(receipt.undecodable).toBe(expected.undecodable);
    for (const { message } of receipt.quarantined) expect(message).toMatch(/^\S.{5,300}\.?$/s);

    const { received, quarantined } = journal.intake.get('g1')!;
    expect(quarantined).toBe(receipt.quarantined.length);
    expect(received).toBe(receipt.accepted + receipt.duplicates + receipt.corrections + receipt.pending + quarantined);
    expect(preview.faults.map(({ code }) => code)).toEqual(
      [...expected.quarantined, ...expected.warnings].map(({ code }) => code),
    );
    expect(preview.readings.map(({ parameter, value, flag }) => ({ parameter, value, flag }))).toEqual(
      readings.map(({ parameter, value, flag }) => ({ parameter, value, flag })),
    );
  });

  it('what is quarantined has the same fault when it comes again', async () => {
    const { gate, journal } = await openDoor();
    const receipt = await gate.accept(delivery);
    const head = journal.headSeq;
    for (const { quarantineId, code } of receipt.quarantined) {
      const again = await gate.replay(journal.quarantine.get(quarantineId)!, new Set(['taocha']));
      expect(again.quarantined.map((refusal) => [refusal.code, refusal.quarantineId])).toContainEqual([
        code,
        quarantineId,
      ]);
      expect(again.accepted + again.duplicates + again.corrections + again.pending).toBe(0);
    }
    expect(journal.headSeq).toBe(head);
    expect(journal.quarantine.size).toBe(receipt.quarantined.length);
  });
});

function seriesOf(journal: { seriesFor(station: string, parameter: string): { series: { id: number } } }, id: string) {
  return journal.seriesFor('taocha', id).series.id;
}
