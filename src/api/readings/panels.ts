/** Laboratory panels against the reference data, the standard and the sensors at the same place. */

import type { ApiDeps } from '#api/deps.ts';
import type { ProblemError } from '#api/problems.ts';
import { surfaceWaterEdition } from '#api/standards.ts';
import { assessDrinkingSource } from '#assess/drinking-source.ts';
import type { Measured } from '#assess/judge.ts';
import { assessSample } from '#assess/sample.ts';
import { EARLIEST_HISTORY_MS, instantOf } from '#ingest/instant.ts';
import { parameterOf } from '#ingest/resolve.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { Panel, PanelItem } from '#model/panel.ts';
import { converted, type Standard } from '#model/reference.ts';
import { conversionOf } from '#model/units.ts';
import { detectionLimitOf as limitOf } from '#quality/thresholds.ts';

/** Sensor readings this far before and after the sample are what it is compared with. */
const COMPARED_MS = HOUR_MS;

/** In canonical names and units, or everything that is wrong with it; paths are those of the body. */
export function canonicalPanel(deps: ApiDeps, panel: Panel): { panel: Panel; errors: ProblemError[] } {
  const errors: ProblemError[] = [];
  if (!deps.control.get('station', panel.station)) {
    errors.push({ path: 'station', message: `there is no station "${panel.station}"` });
  }
  const timeMs = instantOf(panel.time, deps.journal.receivedNowMs(), EARLIEST_HISTORY_MS);
  if (typeof timeMs !== 'number') errors.push({ path: 'time', message: timeMs.message });
  const seen = new Set<string>();
  const items = panel.items.map((item, index) => {
    const { canonical, fault } = canonicalItem(deps, item);
    if (fault) errors.push({ path: `items[${index}].${fault.field}`, message: fault.message });
    else if (seen.has(canonical.parameter)) {
      errors.push({ path: `items[${index}].parameter`, message: `${canonical.parameter} is given twice` });
    }
    seen.add(canonical.parameter);
    return canonical;
  });
  return { panel: { ...panel, time: new Date(panel.time).toISOString(), items }, errors };
}

/** The detection limit that station or parameter states, canonical unit; null = neither does. */
export function detectionLimitOf({ control, reference }: ApiDeps, station: string, name: string) {
  const parameter = parameterOf(reference, name);
  if (!parameter) return null;
  const below = limitOf(parameter, control.get('station', station));
  return below === undefined ? null : { below, unit: parameter.unit };
}

function canonicalItem(
  { reference }: ApiDeps,
  item: PanelItem,
): { canonical: PanelItem; fault: { field: string; message: string } | null } {
  const parameter = parameterOf(reference, item.parameter);
  if (!parameter) {
    return { canonical: item, fault: { field: 'parameter', message: `there is no indicator "${item.parameter}"` } };
  }
  const { unit = parameter.unit, value, below, above, ...rest } = item;
  const conversion = unit === parameter.unit ? { factor: 1, offset: 0 } : conversionOf(parameter, unit);
  if (!conversion) {
    return { canonical: item, fault: { field: 'unit', message: `${parameter.id} can't be converted from "${unit}"` } };
  }
  const convert = (amount: number) => converted(amount, conversion);
  const canonical: PanelItem = { ...rest, parameter: parameter.id, unit: parameter.unit };
  if (value !== undefined) canonical.value = convert(value);
  if (below !== undefined) canonical.below = convert(below);
  if (above !== undefined) canonical.above = convert(above);
  return { canonical, fault: null };
}

/** What a panel says: how complete it is, its class, and how far the sensors are from it. */
export async function judgedPanel(deps: ApiDeps, panel: Panel) {
  const { parameters } = deps.reference;
  const station = deps.control.get('station', panel.station);
  const standard = surfaceWaterEdition(deps, panel.time.slice(0, 10));
  const values = new Map<string, Measured>(panel.items.map((item) => [item.parameter, measuredOf(item)]));
  const sample = { waterBody: station?.waterBody ?? 'river', target: station?.target ?? null, values } as const;
  const assessed = assessSample(standard, parameters, { ...sample, rounding: 'evaluation', alternatives: false });
  const isSingle = new Set(standard.singles.map(({ parameter }) => parameter));
  return {
    completeness: completenessOf(standard, values),
    assessment: {
      basis: 'assessed' as const,
      standard: standard.id,
      ...assessed,
      notAssessed: assessed.notAssessed.filter(({ parameter }) => !isSingle.has(parameter)),
      drinkingSource: assessDrinkingSource(standard, parameters, values),
    },
    comparison: await comparison(deps, panel),
  };
}

function measuredOf({ value, below, above }: PanelItem): Measured {
  if (below !== undefined) return { below };
  return above === undefined ? value! : { above };
}

/** Which items of the standard's tables were looked for. */
function completenessOf({ items, singles }: Standard, values: ReadonlyMap<string, Measured>) {
  const of = (wanted: readonly string[]) => ({
    expected: wanted.length,
    measured: wanted.filter((parameter) => values.has(parameter)).length,
    missing: wanted.filter((parameter) => !values.has(parameter)),
  });
  return {
    basic: of(items.map(({ parameter }) => parameter)),
    drinkingSource: of(singles.map(({ parameter }) => parameter)),
  };
}

/** The sensors' mean around the time of the sample; indicators without a sensor or a usable reading are left out. */
async function comparison({ reader, reference, queries, config }: ApiDeps, { station, time, items }: Panel) {
  const timeMs = Date.parse(time);
  const edgesMs = [timeMs - COMPARED_MS, timeMs + COMPARED_MS];
  const compared = await Promise.all(
    items.map(async ({ parameter, value }) => {
      const series = reader.seriesByName(station, parameter)?.id;
      if (series === undefined || value === undefined) return [];
      const { mean } = reference.parameters.get(parameter)!;
      const query = { series, mean, edgesMs, interval: 'PT1H', timeZone: config.timeZone, asOfMs: null } as const;
      const [bucket] = await queries.trends(query);
      if (!bucket || bucket.mean === null) return [];
      const difference = bucket.mean - value;
      return [
        {
          parameter,
          laboratory: value,
          sensor: bucket.mean,
          readings: bucket.valid,
          difference,
          relative: value === 0 ? null : difference / value,
        },
      ];
    }),
  );
  return compared.flat();
}
