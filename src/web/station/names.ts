/** What parameters are called. */
import { nameOf, t } from '../core/language.ts';
import { parameters } from '../core/watch.ts';

export function parameterName(id: string): string {
  const known = parameters.value.get(id);
  return known ? nameOf(known.name) : id;
}

/** Of the platform's own alarms the parameter is a condition, kept as it is; a station is called by its name. */
export function stationName(id: string, stations: ReadonlyMap<string, { name: { zh: string; en: string } }>): string {
  if (id === '_platform') return t('platform');
  const station = stations.get(id);
  return station ? nameOf(station.name) : id;
}
