/**
 * Assessments: of a sample that is sent (nothing is stored, nothing asked of the stores), of a discharge, and of stations
 * and areas over a period.
 */

import type { Api } from '#api/api.ts';
import { assessPeriod } from '#api/books/assessments.ts';
import { assessment, assessmentBody, dischargeAssessment, dischargeBody } from '#api/books/schemas/assessments.ts';
import { areaAssessment, periodAssessmentQuery, stationAssessment } from '#api/books/schemas/period-assessments.ts';
import type { ApiDeps } from '#api/deps.ts';
import { invalid, notFound } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { surfaceWaterEdition, today } from '#api/standards.ts';
import { assessCriteria, type CriterionSample } from '#assess/criteria.ts';
import { assessDrinkingSource } from '#assess/drinking-source.ts';
import { type Measured, written } from '#assess/judge.ts';
import { periodMean } from '#assess/period-mean.ts';
import { assessSample } from '#assess/sample.ts';
import { temperatureRule } from '#assess/temperature.ts';

export function assessmentRoutes(api: Api, deps: ApiDeps): void {
  sampleRoute(api, deps);
  dischargeRoute(api, deps);
  periodRoute(api, deps);
}

function sampleRoute(api: Api, deps: ApiDeps): void {
  const { parameters } = deps.reference;
  api.route({
    method: 'POST',
    url: '/assessments',
    config: { access: 'viewer' },
    schema: {
      body: assessmentBody,
      ...documented({
        tag: 'statistics',
        summary: 'Assess a sample by GB 3838-2002',
        description: 'Class, status, what breaks the target, main pollutants, and why anything was left out.',
        answer: assessment,
        faults: ['request.invalid', 'range.invalid'],
      }),
    },
    async handler({ body }) {
      const { waterBody, rounding, alternatives, drinkingSource, temperatureChange, date } = body;
      const standard = surfaceWaterEdition(deps, date ?? today(deps));
      const values = named(deps, body.values, (sent, id) => {
        const parameter = parameters.get(id);
        if (!Array.isArray(sent)) return sent;
        return parameter ? periodMean(sent, parameter).value : null;
      });
      const target = body.target ?? null;
      const sample = { waterBody, target, values, rounding, alternatives };
      const assessed = assessSample(standard, parameters, sample);
      const isSingle = (id: string) => standard.singles.some(({ parameter }) => parameter === id);
      return {
        basis: 'assessed' as const,
        standard: standard.id,
        ...assessed,
        notAssessed: drinkingSource
          ? assessed.notAssessed.filter(({ parameter }) => !isSingle(parameter))
          : assessed.notAssessed,
        ...(drinkingSource ? { drinkingSource: assessDrinkingSource(standard, parameters, values) } : {}),
        ...(temperatureChange === undefined
          ? {}
          : { temperatureRule: temperatureRule(standard, target ?? 'III', temperatureChange) ?? undefined }),
      };
    },
  });
}

function dischargeRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/assessments/discharge',
    config: { access: 'viewer' },
    schema: {
      body: dischargeBody,
      ...documented({
        tag: 'statistics',
        summary: 'Judge a discharge by a standard with levels (GB 18918-2002)',
        description: 'Each limit that holds at this level, water temperature and date of construction, met or not.',
        answer: dischargeAssessment,
        faults: ['request.invalid', 'not-found'],
      }),
    },
    async handler({ body: { standard: id, level, builtOn, values, inflow } }) {
      const { standards, parameters } = deps.reference;
      const standard = standards.get(id);
      if (!standard || standard.criteria.length === 0) throw notFound(`standard with levels "${id}"`);
      if (!standard.levels.includes(level)) throw invalid('level', `is one of ${standard.levels.join(', ')}`);
      const samples = named(deps, values, (sent) => [sent].flat().flatMap(toSample));
      const occasion = { level, builtOn, samples, inflow: named(deps, inflow, (value) => value) };
      return { standard: id, level, ...assessCriteria(standard, parameters, occasion) };
    },
  });
}

function toSample(measured: Measured): CriterionSample[] {
  if (measured === null) return [];
  const isBelow = typeof measured === 'object' && 'below' in measured;
  return [{ value: written(measured), ...(isBelow ? { below: true } : {}) }];
}

/** By parameter id, whatever alias was sent. @throws Problem when two names mean one parameter. */
function named<T, U>(deps: ApiDeps, values: Record<string, T>, read: (value: T, id: string) => U): Map<string, U> {
  const found = new Map<string, U>();
  for (const [name, value] of Object.entries(values)) {
    const id = deps.reference.aliases.get(name.toLowerCase()) ?? name;
    if (found.has(id)) throw invalid(`values.${name}`, `${id} is given twice`);
    found.set(id, read(value, id));
  }
  return found;
}

function periodRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/assessments',
    config: { access: 'viewer' },
    schema: {
      querystring: periodAssessmentQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Assess a station or an area over a day, week, month, quarter or year',
        description:
          'Exactly one of `station` and `area`. From means of valid stored readings; what is compared is the period before ' +
          'and the same period a year earlier, by the indicators and sections of both.',
        answer: stationAssessment.or(areaAssessment),
        faults: ['range.invalid', 'range.too-long', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    handler: ({ query }) => assessPeriod(deps, query),
  });
}
