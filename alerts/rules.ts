/**
 * Whether a rule makes sense against the registers as they are: one that could never alarm, because what it names
 * doesn't exist or can't be compared, is refused with the place and the reason, instead of watching over nothing.
 */
import { limitFor, participates } from '#assess/classify.ts';
import type { Fault } from '#model/faults.ts';
import type { Parameter, Reference, Standard } from '#model/reference.ts';
import type { Rule, Station } from '#model/register.ts';
import type { Control } from '#store/control.ts';
import { canonicalLimit, selects, targetOf } from './conditions.ts';

type Stations = readonly { id: string; body: Station }[];

/**
 * Faults of a rule, `rule.invalid` each with `path`; empty for a sound one.
 * @param standard what class rules are judged by; the first of the reference data unless given.
 */
export function checkRule(
  rule: Rule,
  control: Control,
  reference: Reference,
  standard: Standard | undefined = reference.standards.values().next().value,
): Fault[] {
  const stations = control.list('station');
  const faults = [...checkSelection(rule, stations), ...checkParameters(rule, reference)];
  // What a rule means for its stations can only be asked once everything that it names exists.
  if (faults.length > 0) return faults;
  const selected = selectStations(rule, stations);
  if (rule.kind === 'threshold') return checkThreshold(rule, reference);
  if (rule.kind === 'class' && standard) return checkClass(rule, selected, stations.length > 0, reference, standard);
  return [];
}

/** The stations that a rule watches. */
export function selectStations(rule: Rule, stations: Stations): Stations {
  return stations.filter(({ id, body }) => selects(rule, id, body));
}

function fault(path: string, message: string): Fault {
  return { code: 'rule.invalid', message, path };
}

/** Every list names something, every name exists, and together they leave a station. */
function checkSelection(rule: Rule, stations: Stations): Fault[] {
  const { select } = rule;
  const known: Record<keyof Rule['select'], (body: Station, id: string) => string | null | undefined> = {
    stations: (_body, id) => id,
    areas: (body) => body.area,
    rivers: (body) => body.river,
    kinds: (body) => body.kind,
    targets: (body) => body.target,
  };
  const faults: Fault[] = [];
  for (const [field, of] of Object.entries(known) as [keyof Rule['select'], (typeof known)['stations']][]) {
    const names: readonly string[] | undefined = select[field];
    if (!names) continue;
    if (names.length === 0)
      faults.push(fault(`select.${field}`, 'an empty list selects nothing; leave it out to select all'));
    const existing = new Set(stations.map(({ id, body }) => of(body, id)));
    // A kind or a target that no station has at the moment is a plain word of the language, not a mistake.
    if (field === 'kinds' || field === 'targets') continue;
    names.forEach((name, index) => {
      const what =
        field === 'stations'
          ? `there is no station "${name}"`
          : `no station has ${field === 'areas' ? 'area' : 'river'} "${name}"`;
      if (!existing.has(name)) faults.push(fault(`select.${field}[${index}]`, what));
    });
  }
  // Before there are stations, a rule for kinds or targets of them is early, not wrong.
  if (faults.length === 0 && stations.length > 0 && selectStations(rule, stations).length === 0) {
    faults.push(fault('select', 'no station fits the whole selection'));
  }
  return faults;
}

function checkParameters(rule: Rule, reference: Reference): Fault[] {
  return (rule.parameters ?? []).flatMap((name, index) => {
    if (reference.parameters.has(name)) return [];
    const alias = reference.aliases.get(name.toLowerCase());
    const hint = alias === undefined ? '' : `; write "${alias}"`;
    return [fault(`parameters[${index}]`, `there is no parameter "${name}"${hint}`)];
  });
}

function checkThreshold(rule: Rule & { kind: 'threshold' }, reference: Reference): Fault[] {
  return rule.parameters.flatMap((name) => {
    const parameter = reference.parameters.get(name)!;
    if (canonicalLimit(rule.limit, rule.unit, parameter) !== null) return [];
    return [fault('unit', `"${rule.unit}" can't be converted to ${parameter.unit}, the unit of ${name}`)];
  });
}

function checkClass(
  rule: Rule & { kind: 'class' },
  selected: Stations,
  areThereStations: boolean,
  reference: Reference,
  standard: Standard,
): Fault[] {
  const faults: Fault[] = [];
  if (typeof rule.severity === 'object' && Object.values(rule.severity).every((severity) => severity === undefined)) {
    faults.push(fault('severity', 'no class has a severity'));
  }
  const judged = selected.filter(({ body }) => targetOf(rule, body) !== null);
  if (judged.length === 0) {
    if (areThereStations) faults.push(fault('target', 'none of the selected stations has a target class'));
    return faults;
  }
  for (const [index, name] of (rule.parameters ?? []).entries()) {
    const hasLimit = judged.some(
      ({ body }) => limitFor(standard, name, body.waterBody, targetOf(rule, body)!) !== null,
    );
    if (!hasLimit)
      faults.push(fault(`parameters[${index}]`, `${standard.id} has no class limit for ${name} at these stations`));
  }
  const parameters = rule.parameters ?? [...reference.parameters.keys()].filter((name) => participates(standard, name));
  const spoilt = parameters.find((name) =>
    judged.some(({ body }) => isUnclearable(rule, body, reference.parameters.get(name)!, standard)),
  );
  if (spoilt !== undefined) {
    faults.push(
      fault('clear.margin', `${rule.clear.margin} leaves nothing of the range of ${spoilt}: no value could clear`),
    );
  }
  return faults;
}

/** Whether the margin at both ends of a range leaves no value that clears. */
function isUnclearable(rule: Rule, station: Station, parameter: Parameter, standard: Standard): boolean {
  const target = targetOf(rule, station);
  const limit = target && limitFor(standard, parameter.id, station.waterBody, target);
  if (limit?.op !== 'range') return false;
  const [low, high] = limit.value;
  return low + rule.clear.margin * Math.abs(low) > high - rule.clear.margin * Math.abs(high);
}
