/** What seeds name must exist: parameters in the reference data, stations and channels in the same folder. */

import { isReserved } from '#model/alarms/platform.ts';
import type { Noun } from '#model/noun.ts';
import type { Reference } from '#model/reference.ts';
import type { Meter, Routes, Rule, Station } from '#model/register.ts';
import type { SeedEntry } from './seed-entry.ts';
import { SeedError } from './seed-error.ts';

/** @throws SeedError for the first name that leads nowhere. */
export function seedReferences(entries: readonly SeedEntry[], reference: Reference): void {
  const ids = (noun: Noun) => new Set(entries.filter((entry) => entry.noun === noun).map((entry) => entry.id));
  const known = { station: ids('station'), channel: ids('channel') };
  for (const entry of entries) {
    const fault = (reason: string) => new SeedError(entry.file, entry.line, entry.id, reason);
    if (isReserved(entry.noun, entry.id)) throw fault('this id is kept for platform alarms');
    for (const parameter of parametersOf(entry)) {
      if (!reference.parameters.has(parameter)) throw fault(`there is no parameter "${parameter}"`);
    }
    for (const { noun, id } of namesOf(entry)) {
      // Routes may be about the platform, which no register names.
      if (entry.noun === 'routes' && isReserved(noun, id)) continue;
      if (!known[noun].has(id)) throw fault(`there is no ${noun} "${id}"`);
    }
    if (entry.noun === 'meter') meterUnit(entry.body as Meter, reference, fault);
  }
}

function parametersOf(entry: SeedEntry): string[] {
  if (entry.noun === 'station') return (entry.body as Station).parameters.map((parameter) => parameter.id);
  if (entry.noun === 'rule') {
    const body = entry.body as Rule;
    return 'parameters' in body ? (body.parameters ?? []) : [];
  }
  return [];
}

function namesOf(entry: SeedEntry): { noun: 'station' | 'channel'; id: string }[] {
  const stations = (list: readonly string[] = []) => list.map((id) => ({ noun: 'station' as const, id }));
  const channels = (list: readonly string[]) => list.map((id) => ({ noun: 'channel' as const, id }));
  switch (entry.noun) {
    case 'station':
      return recipientsAt(entry.body as Station).flatMap((one) => channels(one.channels));
    case 'meter':
      return stations([(entry.body as Meter).station]);
    case 'rule':
      return stations((entry.body as Rule).select.stations);
    case 'routes':
      return (entry.body as Routes).flatMap((route) => [
        ...channels(route.channels ?? []),
        ...stations(route.match.station),
      ]);
    default:
      return [];
  }
}

function recipientsAt({ owner, chiefs = [] }: Station): { channels: string[] }[] {
  return owner ? [owner, ...chiefs] : chiefs;
}

function meterUnit(body: Meter, reference: Reference, fault: (reason: string) => SeedError): void {
  const units = reference.parameters.get(body.parameter)?.units;
  if (!units || !(body.unit in units)) throw fault(`"${body.unit}" is no unit of ${body.parameter}`);
}
