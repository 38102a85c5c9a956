/** Reads a file of rule tests, blames what is wrong in it by line, and runs the rest. */
import { checkRule } from '#alerts/rules/rules.ts';
import { type Says, saysOf } from '#alerts/rules/says.ts';
import { Control } from '#journal/registers.ts';
import { GATEWAYS_STATION, WHOLE_STATION } from '#model/alarms/alarm.ts';
import { durationMs } from '#model/duration.ts';
import type { Reference } from '#model/reference.ts';
import { isPeriodRule, type Maintenance, type Rule, type Station } from '#model/register.ts';
import { SeedError } from '#seeds/seed-error.ts';
import { readYaml, type YamlFile, yamlFault } from '#seeds/yaml-file.ts';
import { arrivalsOf, momentMs } from './arrivals.ts';
import { differences } from './differences.ts';
import { type Arrival, play } from './play.ts';
import { type RuleTest, type RuleTestFile, ruleTestFile } from './schema.ts';

export interface RuleTestResult {
  name: string;
  /** 1-based line of the test in its file. */
  line: number | null;
  /** Empty = passed. */
  differences: string[];
}

/**
 * @param name how messages call the file
 * @param onRule told of each rule what it does, before any test runs
 * @throws SeedError naming file, line, item and reason of the first mistake.
 */
export async function runRuleTests(
  path: string,
  name: string,
  reference: Reference,
  onRule: (id: string, says: Says) => void = () => {},
): Promise<RuleTestResult[]> {
  const file = readYaml(path, name);
  const parsed = ruleTestFile.safeParse(file.data);
  if (!parsed.success) throw yamlFault(file, [], null, parsed.error);
  const { tests, rules, lateness, timeZone, gateways } = parsed.data;
  const stations = namedStations(parsed.data);
  checkStations(file, stations, reference);
  checkRules(file, rules, stations, reference);
  const list = Object.entries(stations).map(([id, body]) => ({ id, body }));
  for (const [id, rule] of Object.entries(rules)) onRule(id, saysOf(rule, list, reference));
  checkNames(file, parsed.data);
  const scripts = tests.map((test, index) => checkedArrivals(file, test, index, parsed.data, reference));
  const results: RuleTestResult[] = [];
  for (const [index, test] of tests.entries()) {
    const arrivals = scripts[index]!;
    const startMs = momentMs(test.start, 0);
    const { alarms } = await play({
      reference,
      stations,
      rules,
      ...(gateways ? { gateways } : {}),
      allowedLatenessMs: durationMs(lateness),
      ...(timeZone === undefined ? {} : { timeZone }),
      arrivals,
      ...circumstancesOf(test, startMs),
    });
    const line = file.lineOf(['tests', index]);
    results.push({ name: test.name, line, differences: differences(test.expect, alarms, startMs) });
  }
  return results;
}

/** What a test says about time and about planned work. */
function circumstancesOf({ maintenance, outages, until }: RuleTest, startMs: number) {
  const instant = (moment: string) => new Date(momentMs(moment, startMs)).toISOString();
  const windows = Object.entries(maintenance).map(([id, { stations, gateways, from, to }]): [string, Maintenance] => [
    id,
    { ...(stations && { stations }), ...(gateways && { gateways }), from: instant(from), to: instant(to), reason: id },
  ]);
  return {
    startMs,
    maintenance: Object.fromEntries(windows),
    outages: outages.map(({ of, from, to }) => ({ of, fromMs: momentMs(from, startMs), toMs: momentMs(to, startMs) })),
    ...(until === undefined ? {} : { untilMs: momentMs(until, startMs) }),
  };
}

/** In a test a station's id is name enough. */
function namedStations({ stations }: RuleTestFile): Record<string, Station> {
  const named = Object.entries(stations).map(([id, body]): [string, Station] => [
    id,
    { ...body, name: body.name ?? { zh: id, en: id } },
  ]);
  return Object.fromEntries(named);
}

function checkStations(file: YamlFile, stations: Record<string, Station>, reference: Reference): void {
  for (const [id, { parameters }] of Object.entries(stations)) {
    for (const [index, parameter] of parameters.entries()) {
      if (reference.parameters.has(parameter.id)) continue;
      const line = file.lineOf(['stations', id, 'parameters', index]);
      throw new SeedError(file.name, line, id, `there is no parameter "${parameter.id}"`);
    }
  }
}

/** Gateways and windows name stations and gateways of the file. */
function checkNames(file: YamlFile, { stations, gateways = {}, tests }: RuleTestFile): void {
  const demand = (path: PropertyKey[], item: string, noun: string, names: readonly string[] = [], known: object) => {
    const missing = names.find((name) => !(name in known));
    if (missing === undefined) return;
    throw new SeedError(file.name, file.lineOf(path), item, `there is no ${noun} "${missing}" in this file`);
  };
  for (const [id, list] of Object.entries(gateways)) demand(['gateways', id], id, 'station', list, stations);
  for (const [index, { name, maintenance }] of tests.entries()) {
    for (const [id, window] of Object.entries(maintenance)) {
      const path = ['tests', index, 'maintenance', id];
      demand(path, name, 'station', window.stations, stations);
      demand(path, name, 'gateway', window.gateways, gateways);
    }
  }
}

/** As `PUT /rules/{id}` would refuse them: a rule that could never alarm passes any test that expects nothing. */
function checkRules(
  file: YamlFile,
  rules: Record<string, Rule>,
  stations: Record<string, Station>,
  reference: Reference,
): void {
  const versions = Object.entries(stations).map(([id, body]) => ({ noun: 'station', id, body }) as const);
  const control = new Control(versions.map((version) => ({ ...version, seq: 1, atMs: 0, actor: 'rules:test' })));
  for (const [id, rule] of Object.entries(rules)) {
    if (isPeriodRule(rule)) {
      const reason = `a rule of kind ${rule.kind} is judged by the books, and a rule test keeps none`;
      throw new SeedError(file.name, file.lineOf(['rules', id, 'kind']), id, reason);
    }
    const [fault] = checkRule(rule, control, reference);
    if (!fault) continue;
    const path = (fault.path ?? '').split(/[.[\]]+/).filter((part) => part !== '');
    const reason = fault.path === undefined ? fault.message : `${fault.path}: ${fault.message}`;
    throw new SeedError(file.name, file.lineOf(['rules', id, ...path]), id, reason);
  }
}

/** The test's readings, once everything that it names exists. */
function checkedArrivals(
  file: YamlFile,
  test: RuleTest,
  index: number,
  { stations, rules, gateways = {} }: RuleTestFile,
  reference: Reference,
): Arrival[] {
  const blame = (path: readonly PropertyKey[], reason: string) =>
    new SeedError(file.name, file.lineOf(['tests', index, ...path]), test.name, reason);
  for (const list of ['readings', 'series', 'expect'] as const) {
    for (const [place, item] of test[list].entries()) {
      const { station, parameter } = item;
      const isExpected = list === 'expect';
      if (isExpected && station === GATEWAYS_STATION) {
        if (!(parameter in gateways)) throw blame([list, place], `there is no gateway "${parameter}" in this file`);
        continue;
      }
      if (!(station in stations)) throw blame([list, place], `there is no station "${station}" in this file`);
      const isKnown = reference.parameters.has(parameter) || (isExpected && parameter === WHOLE_STATION);
      if (!isKnown) throw blame([list, place], `there is no parameter "${parameter}"`);
      if ('rule' in item && !(item.rule in rules))
        throw blame([list, place], `there is no rule "${item.rule}" in this file`);
    }
  }
  for (const [place, one] of test.series.entries()) {
    try {
      arrivalsOf({ ...test, readings: [], series: [one] });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw blame(['series', place, 'values'], error.message);
    }
  }
  return arrivalsOf(test);
}
