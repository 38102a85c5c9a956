/** From the names in a request to stations, parameters and series. */
import type { Limit } from '#model/class.ts';
import type { Parameter } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import type { ApiDeps } from './deps.ts';
import { notFound } from './problems.ts';

export interface NamedSeries {
  station: Station & { id: string };
  parameter: Parameter;
  /** Null as long as there has never been a reading. */
  series: number | null;
}

export function stationOf(deps: Pick<ApiDeps, 'control'>, id: string): Station & { id: string } {
  const station = deps.control.get('station', id);
  if (!station) throw notFound(`station "${id}"`);
  return { ...station, id };
}

/** By id or by any alias, such as the HJ code `w01019`. */
function parameterOf(deps: Pick<ApiDeps, 'reference'>, name: string): Parameter {
  const { parameters, aliases } = deps.reference;
  const parameter = parameters.get(name) ?? parameters.get(aliases.get(name.toLowerCase()) ?? '');
  if (!parameter) throw notFound(`parameter "${name}"`);
  return parameter;
}

/** @throws Problem `not-found` for an unknown station or parameter. */
export function seriesOf(
  deps: Pick<ApiDeps, 'control' | 'reference' | 'reader'>,
  names: { station: string; parameter: string },
): NamedSeries {
  const station = stationOf(deps, names.station);
  const parameter = parameterOf(deps, names.parameter);
  return { station, parameter, series: deps.reader.seriesByName(station.id, parameter.id)?.id ?? null };
}

/** How a limit stands in answers. */
export function limitView(limit: Limit): { op: Limit['op']; limit: number | [number, number] } {
  return { op: limit.op, limit: limit.value };
}
