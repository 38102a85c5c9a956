/**
 * Whether a rule makes sense against the registers as they are: one that could never alarm, because what it names
 * doesn't exist or can't be compared, is refused with the place and the reason, instead of watching over nothing.
 */
import { limitFor, participates } from '#assess/classify.ts';
import type { Control } from '#journal/registers.ts';
import { demandOf, faultOfThreshold, isFurtherOut, limitsIn, stepDemandOf } from '#model/alarms/threshold.ts';
import { durationMs } from '#model/duration.ts';
import type { Fault } from '#model/faults.ts';
import type { Parameter, Reference, Standard } from '#model/reference.ts';
import { isPeriodRule, type Rule, type Station } from '#model/register.ts';
import { longestMs } from './calendar.ts';
import { canonicalDifference, canonicalLimit, parametersOf, selects, targetOf } from './conditions.ts';
import { ExpressionError, parametersNamed, parseExpression } from './expression.ts';
import { isMoreSevere } from './grades.ts';
import { checkAssessed, checkBalance, checkDisagreement } from './period-checks.ts';

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
  const faults = [
    ...checkSelection(rule, stations),
    ...checkParameters(rule, reference),
    ...checkLimits(rule),
    ...checkSteps(rule),
    ...checkCalendar(rule),
  ];
  // What a rule means for its stations can only be asked once everything that it names exists.
  if (faults.length > 0) return faults;
  const selected = selectStations(rule, stations);
  switch (rule.kind) {
    case 'threshold':
    case 'rate':
    case 'flat-line':
      return checkUnit(rule, reference);
    case 'missing':
      return checkMissing(rule, selected);
    case 'class':
      return standard ? checkClass(rule, selected, stations.length > 0, reference, standard) : [];
    case 'assessed':
      return [
        ...checkSeverities(rule),
        ...(standard ? checkAssessed(rule, selected, stations.length > 0, standard) : []),
      ];
    case 'volume-balance':
      return checkBalance(rule, selected, control);
    case 'meter-disagreement':
      return checkDisagreement(selected, control);
    case 'quality':
    case 'expression':
      return [];
  }
}

/** The stations that a rule watches. */
export function selectStations(rule: Rule, stations: Stations): Stations {
  return stations.filter(({ id, body }) => selects(rule, id, body));
}

function fault(path: string, message: string): Fault {
  return { code: 'rule.invalid', message, path };
}

type ListName = Exclude<keyof Rule['select'], 'tags'>;

/** Every list names something, every name exists, and together they leave a station. */
function checkSelection(rule: Rule, stations: Stations): Fault[] {
  const { select } = rule;
  const known: Record<ListName, (body: Station, id: string) => string | null | undefined> = {
    stations: (_body, id) => id,
    areas: (body) => body.area,
    rivers: (body) => body.river,
    kinds: (body) => body.kind,
    targets: (body) => body.target,
  };
  const faults: Fault[] = [];
  for (const [field, of] of Object.entries(known) as [ListName, (typeof known)['stations']][]) {
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
  faults.push(...checkTags(rule, stations));
  // Before there are stations, a rule for kinds or targets of them is early, not wrong.
  if (faults.length === 0 && stations.length > 0 && selectStations(rule, stations).length === 0) {
    faults.push(fault('select', 'no station fits the whole selection'));
  }
  return faults;
}

function checkTags({ select: { tags = {} } }: Rule, stations: Stations): Fault[] {
  return Object.entries(tags).flatMap(([tag, values]) => {
    if (values.length === 0) return [fault(`select.tags.${tag}`, 'an empty list selects nothing')];
    const existing = new Set(stations.map(({ body }) => body.tags?.[tag]));
    return values.flatMap((value, index) =>
      existing.has(value) ? [] : [fault(`select.tags.${tag}[${index}]`, `no station has ${tag} "${value}"`)],
    );
  });
}

function checkParameters(rule: Rule, reference: Reference): Fault[] {
  if (rule.kind === 'expression') return checkExpressions(rule, reference);
  return (parametersOf(rule) ?? []).flatMap((name, index) => {
    const reason = unknownParameter(name, reference);
    return reason === null ? [] : [fault(`parameters[${index}]`, reason)];
  });
}

function unknownParameter(name: string, reference: Reference): string | null {
  if (reference.parameters.has(name)) return null;
  const alias = reference.aliases.get(name.toLowerCase());
  return `there is no parameter "${name}"${alias === undefined ? '' : `; write "${alias}"`}`;
}

function checkExpressions({ when, clear }: Rule & { kind: 'expression' }, reference: Reference): Fault[] {
  const given: [string, string | undefined][] = [
    ['when', when],
    ['clear.when', clear.when],
  ];
  return given.flatMap(([path, text]) => (text === undefined ? [] : checkExpression(path, text, reference)));
}

function checkExpression(path: string, text: string, reference: Reference): Fault[] {
  try {
    parseExpression(text);
  } catch (error) {
    if (error instanceof ExpressionError) return [fault(path, error.message)];
    throw error;
  }
  const named = parametersNamed(text);
  if (named.length === 0) return [fault(path, 'it names no parameter, so it never changes')];
  return named.flatMap(({ id, at }) => {
    const reason = unknownParameter(id, reference);
    return reason === null ? [] : [fault(path, `at character ${at}: ${reason}`)];
  });
}

type LimitRule = Rule & { kind: 'threshold' | 'rate' | 'flat-line' };

function checkUnit(rule: LimitRule, reference: Reference): Fault[] {
  const convert = rule.kind === 'threshold' ? canonicalLimit : canonicalDifference;
  return rule.parameters.flatMap((name) => {
    const parameter = reference.parameters.get(name)!;
    if (convert(1, rule.unit, parameter) !== null) return [];
    return [fault('unit', `"${rule.unit}" can't be converted to ${parameter.unit}, the unit of ${name}`)];
  });
}

/** Nothing may have an interval at the stations that a rule of kind `missing` selects: it would wait for ever. */
function checkMissing({ parameters: names }: Rule & { kind: 'missing' }, selected: Stations): Fault[] {
  const expected = new Set(
    selected.flatMap(({ body }) =>
      body.parameters.filter(({ interval }) => interval !== undefined).map(({ id }) => id),
    ),
  );
  if (selected.length > 0 && expected.size === 0) {
    return [fault('select', 'no parameter of the selected stations has an interval, so nothing is expected')];
  }
  return (names ?? []).flatMap((name, index) =>
    selected.length === 0 || expected.has(name)
      ? []
      : [fault(`parameters[${index}]`, `${name} has no interval at the selected stations`)],
  );
}

/** A step that is not more severe than the rule, or not further out, never counts. */
function checkSteps(rule: Rule): Fault[] {
  const least = typeof rule.severity === 'string' ? [rule.severity] : Object.values(rule.severity);
  const steps = 'steps' in rule ? (rule.steps ?? []) : [];
  return steps.flatMap((step, index) => {
    const path = `steps[${index}]`;
    if (
      least.length > 0 &&
      !least.some((severity) => severity !== undefined && isMoreSevere(step.severity, severity))
    ) {
      return [fault(`${path}.severity`, `${step.severity} is not more severe than the rule without the step`)];
    }
    if (rule.kind === 'threshold') return checkThresholdStep(rule, step, path);
    if (!('limit' in step) || step.limit === undefined) return [];
    if (rule.kind !== 'rate' && rule.kind !== 'volume-balance') return [];
    const limit = rule.kind === 'volume-balance' ? rule.maxLossShare : rule.limit;
    return step.limit >= limit ? [] : [reachedBefore(`${path}.limit`, step.limit, limit)];
  });
}

function reachedBefore(path: string, step: number | number[], limit: number | number[]): Fault {
  const said = (one: number | number[]) => (typeof one === 'number' ? String(one) : one.join(' to '));
  return fault(path, `${said(step)} is reached before ${said(limit)}, the limit itself`);
}

type ThresholdRule = Rule & { kind: 'threshold' };

function checkThresholdStep(
  rule: ThresholdRule,
  step: NonNullable<ThresholdRule['steps']>[number],
  path: string,
): Fault[] {
  const demand = demandOf(rule);
  const names = limitsIn(step);
  if (demand === null || names.length === 0) return [];
  const further = stepDemandOf(rule, step);
  if (further === null) {
    const reason = 'say how far with one of above, below and outside, or with limit where the rule has one side';
    return [fault(`${path}.${names.at(-1)}`, reason)];
  }
  return isFurtherOut(further, demand) ? [] : [reachedBefore(`${path}.${names[0]}`, further.value, demand.value)];
}

/** A threshold is said in exactly one way, and its margin leaves a value that clears. */
function checkLimits(rule: Rule): Fault[] {
  if (rule.kind !== 'threshold') return [];
  const wrong = faultOfThreshold(rule);
  if (wrong) return [fault(wrong.path, wrong.message)];
  const demand = demandOf(rule);
  if (demand?.op !== 'range' || !leavesNothing(demand.value, rule.clear.margin)) return [];
  return [
    fault(
      'clear.margin',
      `${rule.clear.margin} leaves nothing between ${demand.value.join(' and ')}: no value could clear`,
    ),
  ];
}

/** Whether the margin at both ends of a range leaves no value that clears. */
function leavesNothing([low, high]: readonly [number, number], margin: number): boolean {
  return low + margin * Math.abs(low) > high - margin * Math.abs(high);
}

/** What is longer than the hours in which the rule looks is never seen to its end. */
function checkCalendar(rule: Rule): Fault[] {
  if (isPeriodRule(rule)) return [];
  const { calendar, for: held } = rule;
  if (!calendar?.hours || held === undefined || durationMs(held) < longestMs(calendar)) return [];
  return [fault('for', `${held} is not over within ${calendar.hours.join(' to ')}, so it could never alarm`)];
}

const NO_TARGET = 'none of the selected stations has a target class';

function checkSeverities({ severity }: Rule): Fault[] {
  const isEmpty = typeof severity === 'object' && Object.values(severity).every((word) => word === undefined);
  return isEmpty ? [fault('severity', 'no class has a severity')] : [];
}

function checkClass(
  rule: Rule & { kind: 'class' },
  selected: Stations,
  areThereStations: boolean,
  reference: Reference,
  standard: Standard,
): Fault[] {
  const faults: Fault[] = [];
  faults.push(...checkSeverities(rule));
  const judged = selected.filter(({ body }) => targetOf(rule, body) !== null);
  if (judged.length === 0) {
    if (areThereStations) faults.push(fault('target', NO_TARGET));
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

function isUnclearable(
  rule: Rule & { kind: 'class' },
  station: Station,
  parameter: Parameter,
  standard: Standard,
): boolean {
  const target = targetOf(rule, station);
  const limit = target && limitFor(standard, parameter.id, station.waterBody, target);
  return limit?.op === 'range' && leavesNothing(limit.value, rule.clear.margin);
}
