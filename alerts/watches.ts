/**
 * Which rules watch a series, and under which condition: worked out from the registers at a series' first reading and
 * forgotten when a rule or a station changes. The lanes stay: an evaluation outlives the edit of its rule.
 */

import type { Series } from '#model/reading.ts';
import type { Reference, Standard } from '#model/reference.ts';
import type { Control } from '#store/control.ts';
import type { JournalReader } from '#store/journal-port.ts';
import { type Condition, conditionFor } from './conditions.ts';
import { type Lane, newLane } from './lane.ts';
import { keyOf } from './lifecycle.ts';

export interface Watch {
  lane: Lane;
  condition: Condition;
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
  /** To be called when a rule or a station has changed. */
  forget(): void;
  /** Equal conditions become one object. */
  intern(condition: Condition): Condition;
}

interface Registers {
  control: Control;
  reader: Pick<JournalReader, 'seriesById'>;
  reference: Reference;
  standard: Standard;
}

export function createWatches({ control, reader, reference, standard }: Registers): Watches {
  const bySeries = new Map<number, readonly Watch[]>();
  const lanes = new Map<string, Lane>();
  const conditions = new Map<string, Condition>();
  const nameOf = (rule: string, series: number) => `${series} ${rule}`;

  function intern(condition: Condition): Condition {
    const text = JSON.stringify(condition);
    const known = conditions.get(text);
    if (known) return known;
    conditions.set(text, condition);
    return condition;
  }

  function resolve(rule: string, { station: id, parameter: name }: Series): Condition | null {
    const body = control.get('rule', rule);
    const station = control.get('station', id);
    const parameter = reference.parameters.get(name);
    if (!body || !station || !parameter) return null;
    const condition = conditionFor(body, id, station, parameter, standard);
    return condition && intern(condition);
  }

  function laneOf(rule: string, { id, station, parameter }: Series): Lane {
    const name = nameOf(rule, id);
    const known = lanes.get(name);
    if (known) return known;
    const lane = newLane(rule, id, keyOf(rule, station, parameter));
    lanes.set(name, lane);
    return lane;
  }

  function watchesOf(series: Series): Watch[] {
    return control.list('rule').flatMap(({ id }) => {
      const condition = resolve(id, series);
      return condition ? [{ lane: laneOf(id, series), condition }] : [];
    });
  }

  return {
    of(id) {
      const known = bySeries.get(id);
      if (known) return known;
      const series = reader.seriesById(id);
      const watches = series ? watchesOf(series) : [];
      bySeries.set(id, watches);
      return watches;
    },
    conditionOf(lane) {
      const series = reader.seriesById(lane.series);
      return series ? resolve(lane.rule, series) : null;
    },
    lanes: () => lanes.values(),
    add(lane) {
      lanes.set(nameOf(lane.rule, lane.series), lane);
    },
    drop(lane) {
      lanes.delete(nameOf(lane.rule, lane.series));
    },
    forget() {
      bySeries.clear();
    },
    intern,
  };
}
