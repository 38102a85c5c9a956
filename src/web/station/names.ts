/** What parameters are called. */
import type { Alarm } from '../api-types.ts';
import { nameOf, t } from '../core/language.ts';
import { parameters } from '../core/watch.ts';
import type { Word } from '../core/words.ts';

export function parameterName(id: string): string {
  const known = parameters.value.get(id);
  return known ? nameOf(known.name) : id;
}

/** What alarms that are about no station have in its place. */
const OWN: Readonly<Record<string, Word>> = { _platform: 'platform', _gateways: 'gateway', _canal: 'canal' };

/** What an alarm is about: of the platform's own ones the condition. */
export function aboutOf({ title, parameter }: Pick<Alarm, 'title' | 'parameter'>): string {
  return title ? nameOf(title) : parameterName(parameter);
}

export function stationName(id: string, stations: ReadonlyMap<string, { name: { zh: string; en: string } }>): string {
  const word = OWN[id];
  if (word) return t(word);
  const station = stations.get(id);
  return station ? nameOf(station.name) : id;
}
