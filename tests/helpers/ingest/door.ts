/** A door on a journal in memory, with two stations and a small reference, and a clock that is set by hand. */
import { createGate, type Gate } from '#ingest/gate.ts';
import { missingIn } from '#journal/gateway-numbering.ts';
import type { Journal } from '#journal/port.ts';
import type { JournaledReading } from '#model/entry.ts';
import type { Parameter, Reference } from '#model/reference.ts';
import { type Station, station } from '#model/register.ts';
import { type HandClock, handClock } from '#tests/helpers/hand-clock.ts';
import { MemoryJournal } from '#tests/helpers/journal/memory.ts';

/** 2026-11-22T08:00:00Z. */
export const NOW_MS = 1_795_334_400_000;

export function parameter(id: string, unit: string, rest: Partial<Parameter> = {}): Parameter {
  return {
    id,
    name: { zh: id, en: id },
    unit,
    units: { [unit]: { factor: 1, offset: 0 } },
    aliases: [],
    mean: 'arithmetic',
    qc: { fail: null, suspect: null, ratePerHour: null, spike: null, flat: null },
    multiple: true,
    ...rest,
  };
}

const massUnits = {
  'mg/L': { factor: 1, offset: 0 },
  'ug/L': { factor: 0.001, offset: 0 },
  't/L': { factor: 1e9, offset: 0 },
};

export function smallReference(): Reference {
  const parameters = [
    parameter('ph', 'pH', { aliases: ['w01001'], mean: 'ph' }),
    parameter('nh3n', 'mg/L', { aliases: ['w21003', 'NH3-N'], units: massUnits }),
    parameter('temp', '°C', {
      aliases: ['w01010'],
      units: { '°C': { factor: 1, offset: 0 }, '[degF]': { factor: 5 / 9, offset: -160 / 9 } },
    }),
    parameter('turbidity', 'NTU', {
      qc: {
        fail: [0, 4000],
        suspect: [0, 200],
        ratePerHour: null,
        spike: [30, 90],
        flat: { tolerance: 0.01, suspectMs: 3 * 3_600_000, failMs: 6 * 3_600_000 },
      },
    }),
  ];
  return {
    parameters: new Map(parameters.map((entry) => [entry.id, entry])),
    aliases: new Map(
      parameters.flatMap(({ id, aliases }) => [id, ...aliases].map((alias) => [alias.toLowerCase(), id])),
    ),
    standards: new Map(),
  };
}

export function aStation(rest: Partial<Station> = {}): Station {
  const name = { zh: '陶岔', en: 'Taocha' };
  return { ...station.parse({ name, kind: 'canal-section', waterBody: 'river', parameters: [] }), ...rest };
}

export interface TestDoor {
  gate: Gate;
  journal: MemoryJournal;
  clock: HandClock;
  /** A new gate on the same journal, as after a restart. */
  reopen(): Gate;
  /** Sends one sample of one station and gives what was journaled of it. */
  send(values: Record<string, unknown>, timeMs: number, stationId?: string): Promise<JournaledReading[]>;
}

export async function openDoor({ manual = false, reference = smallReference() } = {}): Promise<TestDoor> {
  const clock = handClock(NOW_MS);
  const journal = new MemoryJournal(clock, { manual });
  for (const id of ['taocha', 'xisi-lake']) {
    const stored = journal.appendCommand('seed', { verb: 'put', noun: 'station', id, body: aStation() });
    if (manual) journal.commit();
    await stored;
  }
  const open = () => createGate({ journal, control: journal.control, reference, clock, maxMessageBytes: 256 << 10 });
  const gate = open();
  return {
    gate,
    journal,
    clock,
    reopen: open,
    async send(values, timeMs, stationId = 'taocha') {
      const body = JSON.stringify({ station: stationId, time: timeMs, values });
      const { seq } = await gate.accept(delivery(body));
      const entry = journal.entries[seq - 1]!;
      if (entry.kind !== 'message') throw new Error(`entry ${seq} is no message`);
      return entry.readings;
    },
  };
}

/** What a source's own numbers have left out. */
export function gapsOf({ numberings }: Pick<Journal, 'numberings'>, source: string) {
  const numbering = numberings.of(source);
  return { missing: numbering ? missingIn(numbering) : 0, lastSeq: numbering?.last ?? null };
}

/** A delivery by gateway g1, which may write every station. */
export function delivery(
  payload: string | Uint8Array,
  rest: { contentType?: 'application/json' | 'text/csv'; stations?: ReadonlySet<string> | null } = {},
) {
  return {
    source: 'g1',
    stations: rest.stations ?? null,
    contentType: rest.contentType ?? ('application/json' as const),
    payload: Buffer.from(payload),
  };
}
