/**
 * Which rules watch a series, and under which condition: worked out from the registers at a series' first reading and
 * forgotten when a rule or a station changes. The lanes stay: an evaluation outlives the edit of its rule.
 */

import { keyOf, NO_SERIES, namesIn } from '#alerts/life/lifecycle.ts';
import { type Lane, newLane } from '#alerts/readings/lane.ts';
import { Dialects } from '#journal/dialects.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { WHOLE_STATION } from '#model/alarms/alarm.ts';
import type { Letters } from '#model/dialect.ts';
import type { Series } from '#model/reading.ts';
import type { Reference, Standard } from '#model/reference.ts';
import { isPeriodRule, type Rule, type Station } from '#model/register.ts';
import { type Condition, conditionFor, expressionCondition, parametersOf } from './conditions.ts';
import { calmRange } from './grades.ts';

export interface Watch {
  lane: Lane;
  condition: Condition;
  /** Values that break nothing and are nothing new (`calmRange`). */
  calm: ReturnType<typeof calmRange>;
  /** The parameter of the series, as what is derived names it. */
  parameter: string;
  /** What device letters mean at its station. */
  letters: Letters | undefined;
}

export interface Watches {
  /** Watches of a series, by rule. */
  of(series: number): readonly Watch[];
  /** The lane's condition as the registers now have it; null when its rule doesn't concern its series any more. */
  conditionOf(lane: Lane): Condition | null;
  /** Every lane there is. */
  lanes(): Iterable<Lane>;
  add(lane: Lane): void;
  drop(lane: Lane): void;
  /** To be called when a rule, a station or a gateway has changed. */
  forget(): void;
  /** Equal conditions become one object. */
  intern(condition: Condition): Condition;
}

interface Registers {
  control: Control;
  reader: Pick<JournalReader, 'seriesById'>;
  reference: Reference;
  standard: Standard;
  /** Of rules' calendars. */
  timeZone: string;
}

/** Not split: one closure over the lanes and the conditions, shared by short parts. */
export function createWatches({ control, reader, reference, standard, timeZone }: Registers): Watches {
  let bySeries: (readonly Watch[] | undefined)[] = [];
  const dialects = new Dialects(control);
  const lanes = new Map<string, Lane>();
  const conditions = new Map<string, Condition>();
  /** The rules as they now are, in the order of their ids; null after a change. */
  let rules: { id: string; body: Rule }[] | null = null;

  function intern(condition: Condition): Condition {
    const text = JSON.stringify(condition);
    const known = conditions.get(text);
    if (known) return known;
    conditions.set(text, condition);
    return condition;
  }

  function resolve(rule: string, id: string, name: string): Condition | null {
    const body = control.get('rule', rule);
    const station = control.get('station', id);
    // A period that has closed is judged by what the books say of it, never by a reading.
    if (!body || !station || isPeriodRule(body)) return null;
    const condition = conditionOf(body, id, station, name);
    if (!condition) return null;
    const ruleSeq = control.version('rule', rule)!.seq;
    return intern({ ...condition, ruleSeq, ...(body.calendar ? { calendar: { ...body.calendar, timeZone } } : {}) });
  }

  function conditionOf(body: Rule, id: string, station: Station, name: string): Condition | null {
    if (name === WHOLE_STATION) {
      return body.kind === 'expression' ? expressionCondition(body, id, station, reference.parameters) : null;
    }
    const parameter = reference.parameters.get(name);
    return parameter ? conditionFor(body, id, station, parameter, standard) : null;
  }

  function laneOf(rule: string, series: number, key: string, isDerived: boolean): Lane {
    const known = lanes.get(key);
    if (known && (known.sources !== null) === isDerived) return known;
    const lane = newLane(rule, series, key, isDerived);
    lanes.set(key, lane);
    return lane;
  }

  function watchesOf({ id: series, station, parameter }: Series): Watch[] {
    rules ??= control.list('rule');
    const { letters } = dialects.at(station);
    return rules.flatMap(({ id, body }) => {
      const isAboutAll = body.kind === 'expression';
      if (isAboutAll && !parametersOf(body)!.includes(parameter)) return [];
      const subject = isAboutAll ? WHOLE_STATION : parameter;
      const condition = resolve(id, station, subject);
      if (!condition) return [];
      const lane = laneOf(id, isAboutAll ? NO_SERIES : series, keyOf(id, station, subject), condition.derive !== null);
      return [{ lane, condition, calm: calmRange(condition), parameter, letters }];
    });
  }

  return {
    of(id) {
      const known = bySeries[id];
      if (known) return known;
      const series = reader.seriesById(id);
      const watches = series ? watchesOf(series) : [];
      bySeries[id] = watches;
      return watches;
    },
    conditionOf(lane) {
      const { rule, station, parameter } = namesIn(lane.key);
      const condition = resolve(rule, station, parameter);
      // A rule that became one of another kind begins anew.
      return condition && (condition.derive !== null) === (lane.sources !== null) ? condition : null;
    },
    lanes: () => lanes.values(),
    add(lane) {
      lanes.set(lane.key, lane);
    },
    drop(lane) {
      lanes.delete(lane.key);
    },
    forget() {
      bySeries = [];
      rules = null;
    },
    intern,
  };
}
