/** Which columns are which parameters, in which units: as the user says, else as the profile knows. */
import type { Parameter, Reference } from '#model/reference.ts';
import { conversionOf } from '#model/units.ts';
import { parameterOf } from '../../resolve.ts';
import { NAME_MAX, shown } from './file-problem.ts';
import { columnNamed, type FileOptions, findColumn, pairsOf, undecided } from './options.ts';
import type { FileColumn, Layout } from './profile.ts';

export interface BoundColumn {
  column: FileColumn;
  parameter: string;
  /** As it is sent on; null = the file states none, so the canonical one. */
  unit: string | null;
  /** Column of its flags. */
  flags: number | null;
}

/** How files spell units that the parameters' own tables spell otherwise; all in lower case. */
const SPELLINGS: Readonly<Record<string, string | null>> = {
  'deg c': '°C',
  'degrees c': '°C',
  celsius: '°C',
  'deg f': '°F',
  'us/cm': 'µS/cm',
  'ms/cm': 'mS/cm',
  'mg/l': 'mg/L',
  'ug/l': 'µg/L',
  '% sat': '%',
  percent: '%',
  pct: '%',
  'ph units': null,
  'standard units': null,
  unitless: null,
  none: null,
  '-': null,
};

/**
 * @throws FileUndecided `map` when nothing is bound, a parameter is bound twice or unknown; `units` for a unit from which
 *   there is no way to the parameter's own.
 */
export function bindColumns(layout: Layout, options: FileOptions, reference: Reference): BoundColumn[] {
  const { columns } = layout;
  const isName = (name: string) => findColumn(columns, name) !== undefined;
  const pairs = options.map === undefined ? null : pairsOf(options.map, 'map', isName);
  const units = new Map(
    (options.units === undefined ? [] : pairsOf(options.units, 'units', isName)).map(([name, unit]) => [
      columnNamed(columns, name, 'units').index,
      unit,
    ]),
  );
  if (pairs?.length === 0) undecided('map', { zh: 'map 没有写任何列。', en: '--map names no column' });
  const wanted = pairs
    ? pairs.map(([name, parameter]) => ({ column: columnNamed(columns, name, 'map'), parameter }))
    : columns.flatMap((column) => (column.holds ? [{ column, parameter: column.holds.parameter }] : []));
  const bound = wanted.map(({ column, parameter: name }) => {
    const parameter = parameterOf(reference, name);
    if (!parameter) {
      const says = { zh: `map：没有参数“${shown(name)}”。`, en: `--map: there is no parameter "${shown(name)}"` };
      return undecided('map', says);
    }
    const isHeld = column.holds?.parameter === parameter.id;
    const stated = units.get(column.index) ?? (isHeld ? column.holds!.unit : undefined) ?? column.unit;
    const flags = columns.find(({ flagOf }) => flagOf === column.index)?.index ?? null;
    return { column, parameter: parameter.id, unit: unitOf(stated, parameter, column.name), flags };
  });
  checkBound(bound, columns, reference);
  return bound;
}

function checkBound(bound: readonly BoundColumn[], columns: readonly FileColumn[], reference: Reference): void {
  if (bound.length === 0) {
    const proposals = columns.flatMap(({ name, short }) => {
      const parameter = parameterOf(reference, short);
      return parameter ? [`${shown(name, NAME_MAX)}=${parameter.id}`] : [];
    });
    undecided(
      'map',
      {
        zh: `没有说明哪一列是哪个参数；请用 map 说明。文件的列有：${columns
          .map(({ name }) => shown(name, NAME_MAX))
          .slice(0, 40)
          .join('、')}`,
        en: `Which column is which parameter? Say with \`map\`; the file has ${columns
          .map(({ name }) => shown(name, NAME_MAX))
          .slice(0, 40)
          .join(', ')}`,
      },
      proposals,
    );
  }
  const repeated = bound.find(({ parameter }, at) => bound.findIndex((other) => other.parameter === parameter) !== at);
  if (repeated) {
    const { parameter } = repeated;
    const same = bound
      .filter((other) => other.parameter === parameter)
      .map(({ column }) => `${shown(column.name, NAME_MAX)}=${parameter}`);
    undecided(
      'map',
      {
        zh: `参数“${parameter}”对应了两列：${same.join('、')}`,
        en: `--map names parameter "${parameter}" twice: ${same.join(', ')}`,
      },
      same,
    );
  }
}

function unitOf(stated: string | null | undefined, parameter: Parameter, column: string): string | null {
  if (stated === null || stated === undefined || stated === '') return null;
  if (conversionOf(parameter, stated)) return stated.trim();
  const spelled = SPELLINGS[stated.trim().toLowerCase()];
  if (spelled === null) return null;
  if (spelled !== undefined && conversionOf(parameter, spelled)) return spelled;
  const alike = Object.keys(parameter.units).filter((unit) => unit.toLowerCase() === stated.trim().toLowerCase());
  // `mS` and `MS` would be six orders apart: only spellings that all mean the same count.
  if (alike.length > 0 && new Set(alike.map((unit) => parameter.units[unit]!.factor)).size === 1) return alike[0]!;
  return undecided(
    'units',
    {
      zh: `列“${shown(column)}”的单位“${shown(stated)}”无法换算为 ${parameter.id} 的单位 ${parameter.unit}；请用 units 说明。`,
      en: `Column "${shown(column)}" is in "${shown(stated)}", from which ${parameter.id} (${parameter.unit}) can't be converted: say with \`units\` what it is in`,
    },
    Object.keys(parameter.units)
      .filter((unit) => unit !== '')
      .slice(0, 40),
  );
}
