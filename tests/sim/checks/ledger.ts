/** Invariants 1 and 2: every value is in exactly one place, what was acknowledged is there, and what is stored is right. */

import { missingIn } from '#journal/gateway-numbering.ts';
import type { QuarantineRow } from '#journal/quarantine.ts';
import { finalFlags } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { commandsOf } from '#tests/sim/commanded.ts';
import type { Model } from '#tests/sim/model.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import type { SimProcess } from '#tests/sim/world/process.ts';
import { GATEWAYS, reference } from '#tests/sim/world/site.ts';
import { POISON } from '#tests/sim/world/store.ts';
import type { World } from '#tests/sim/world/world.ts';

export function checkLedger(world: World, model: Model, outcome: Outcome): string[] {
  const process = world.process()!;
  const quarantine = process.reader.quarantine.list(null, 1_000_000);
  return [
    ...model.faults,
    ...[...model.counts.keys()].flatMap((id) => checkSource(id, process, model, outcome, quarantine)),
    ...checkNumbers(process),
    ...checkStale(world, model),
    ...checkAcknowledged(world, quarantine),
    ...checkStored(process, model, outcome),
    ...Object.entries(outcome.leftovers).flatMap(([table, n]) => (n === 0 ? [] : [`${n} rows are left in ${table}`])),
  ];
}

/** All numbers of every gateway came in the end: none may be missed, also when we were away in between (invariant 10). */
function checkNumbers({ journal }: SimProcess): string[] {
  return [...GATEWAYS.keys()].flatMap((id) => {
    const numbering = journal.numberings.of(id);
    const missing = numbering ? missingIn(numbering) : 0;
    return missing === 0 ? [] : [`${id}: ${missing} numbers are missed though all of them came`];
  });
}

/** `latest` calls stale what is old by what the station sent, and nothing because of what we or the broker did (invariant 10). */
function checkStale({ caughtUp, options }: World, model: Model): string[] {
  if (!caughtUp) return ['never was everything delivered'];
  const old = [...model.series]
    .filter(([, cells]) => caughtUp.nowMs - Math.max(...cells.keys()) >= 3 * options.site.pace.intervalMs)
    .map(([key]) => key);
  const isSame = new Set(old).symmetricDifference(new Set(caughtUp.stale)).size === 0;
  return isSame ? [] : [`latest calls stale: ${caughtUp.stale}; old are: ${old}`];
}

function checkSource(
  id: string,
  { reader }: SimProcess,
  model: Model,
  { settled }: Outcome,
  quarantine: readonly QuarantineRow[],
): string[] {
  const expected = model.counts.get(id)!;
  const { received, quarantined } = reader.intakeCount(id) ?? { received: 0, quarantined: 0 };
  const { stored, duplicate } = settled.get(id) ?? { stored: 0, duplicate: 0 };
  const codes = Map.groupBy(
    quarantine.filter(({ source }) => source === id),
    ({ code }) => code,
  );
  const count = (code: string) => codes.get(code as QuarantineRow['code'])?.length ?? 0;
  const malformed = count('message.malformed');
  const rejected = count('store.rejected');
  const problems: string[] = [];
  const same = (what: string, found: number, wanted: number) => {
    if (found !== wanted) problems.push(`${id}: ${what} is ${found}, should be ${wanted}`);
  };
  same('received', received, expected.received + malformed);
  same('stored + duplicate + quarantined', stored + duplicate + quarantined, received);
  same('items in quarantine', [...codes.values()].flat().length, quarantined);
  for (const [code, wanted] of expected.quarantined) same(`quarantined as ${code}`, count(code), wanted);
  // What became of values that met the refused one, only their sum is certain.
  same(
    'values of poisoned times',
    stored - expected.stored + duplicate - expected.duplicate + rejected,
    expected.doubtful,
  );
  if (stored < expected.stored) problems.push(`${id}: stored is ${stored}, should be ${expected.stored} at least`);
  if (duplicate < expected.duplicate) {
    problems.push(`${id}: duplicate is ${duplicate}, should be ${expected.duplicate} at least`);
  }
  return problems;
}

/** Of what a gateway was told: it is in the journal under that number, and its receipt adds up. */
function checkAcknowledged(world: World, quarantine: readonly QuarantineRow[]): string[] {
  const kept = new Set(quarantine.map(({ id }) => id));
  const replayed = new Set(commandsOf(world.committed, 'replay-quarantine').map(({ command }) => command.quarantineId));
  const problems: string[] = [];
  for (const { message, receipt } of world.acknowledged) {
    const entry = world.committed[receipt.seq - 1];
    const isThere = entry?.kind === 'message' && entry.source === message.gateway && entry.gatewaySeq === message.seq;
    if (!isThere) problems.push(`acknowledged ${message.gateway} ${message.seq} is not entry ${receipt.seq}`);
    for (const { quarantineId, code } of receipt.quarantined) {
      if (!kept.has(quarantineId) && !replayed.has(quarantineId))
        problems.push(`acknowledged ${code} ${quarantineId} is not in quarantine`);
    }
    const { accepted, duplicates, corrections, pending, quarantined } = receipt;
    const sum = accepted + duplicates + corrections + pending + quarantined.length;
    const values = message.seq === null ? 1 : message.values.length;
    if (sum !== values) problems.push(`the receipt of entry ${receipt.seq} counts ${sum} values of ${values}`);
  }
  return problems;
}

/** Values as the model has them, flags as the pure function gives them for the whole series, and memory as the store. */
function checkStored({ journal, reader, gate }: SimProcess, model: Model, outcome: Outcome): string[] {
  const problems: string[] = [];
  for (const key of model.series.keys()) {
    const [station, name] = key.split('/') as [string, string];
    const thresholds = effectiveThresholds(reference.parameters.get(name)!, journal.control.get('station', station));
    const stored = model.stored(key);
    const flags = finalFlags(stored, thresholds);
    const expected = stored.map(({ timeMs, value, deviceFlag }, n) => ({ timeMs, value, flag: flags[n], deviceFlag }));
    const found = outcome.readings.get(key) ?? [];
    const lines = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one));
    const [a, b] = [new Set(lines(found)), new Set(lines(expected))];
    const wrong = [...a.difference(b)];
    const missing = [...b.difference(a)];
    if (wrong.length > 0 || missing.length > 0) {
      problems.push(`${key}: stored is ${wrong.slice(0, 3)}, should be ${missing.slice(0, 3)} (${missing.length})`);
    }
    const newest = gate.latest(reader.seriesByName(station, name)!.id);
    const isDoubtful = [...(model.series.get(key)?.entries() ?? [])].some(
      ([timeMs, { isPoisoned }]) => isPoisoned && timeMs >= (found.at(-1)?.timeMs ?? 0),
    );
    if (!isDoubtful && newest?.value !== POISON && JSON.stringify(newest) !== JSON.stringify(found.at(-1))) {
      problems.push(`${key}: latest is ${JSON.stringify(newest)}, should be ${JSON.stringify(found.at(-1))}`);
    }
  }
  return problems;
}
