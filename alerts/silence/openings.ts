/**
 * Which rules about silence look now. Silence is measured on the journal's `received`, so their calendars are, too: they open
 * and close by the clock, and what was silent while a rule didn't look is held against nobody (`UpClock.openedUpMs`).
 */

import { type Calendar, isWithin, nextEdgeMs } from '#alerts/rules/calendar.ts';
import type { Control } from '#journal/registers.ts';
import type { MissingRule } from './silence.ts';
import type { UpClock } from './up-clock.ts';

interface Passed {
  id: string;
  isOpen: boolean;
  atMs: number;
}

export interface Openings {
  /** To be called when rules have changed. */
  read(): void;
  /** Rules that look now. */
  rules(): { id: string; body: MissingRule }[];
  /** After time has passed: the rules that have closed or opened meanwhile, or both, how they are now, and when it began. */
  pass(): Passed[];
  nextMs(): number | null;
}

interface Watched {
  calendar: Calendar;
  isOpen: boolean;
  edgeMs: number | null;
}

export function createOpenings(control: Control, clock: UpClock, timeZone: string): Openings {
  let watched = new Map<string, Watched>();

  const missingRules = () =>
    control
      .list('rule')
      .flatMap(({ id, body }) => (body.kind === 'missing' && body.enabled ? [{ id, body: body as MissingRule }] : []));

  function look(calendar: Calendar): Watched {
    const { nowMs } = clock;
    return { calendar, isOpen: isWithin(calendar, nowMs), edgeMs: nextEdgeMs(calendar, nowMs) };
  }

  /** The clock is saved, so that a restart finds when each has opened. */
  function mark(): void {
    const before = clock.openedUpMs ?? {};
    const open = [...watched].filter(([, { isOpen }]) => isOpen);
    clock.openedUpMs = Object.fromEntries(open.map(([id]) => [id, before[id] ?? clock.upMs]));
  }

  return {
    read() {
      watched = new Map(
        missingRules().flatMap(({ id, body: { calendar } }) =>
          calendar ? [[id, look({ ...calendar, timeZone })] as const] : [],
        ),
      );
      mark();
    },
    rules: () =>
      missingRules().flatMap(({ id, body }) => {
        const known = watched.get(id);
        if (!known) return [{ id, body }];
        return known.isOpen ? [{ id, body: { ...body, openedUpMs: clock.openedUpMs![id]! } }] : [];
      }),
    pass() {
      const due = [...watched].filter(([, { edgeMs }]) => edgeMs !== null && edgeMs <= clock.nowMs);
      const passed = due.map(([id, { calendar, edgeMs }]): Passed => {
        const now = look(calendar);
        watched.set(id, now);
        delete clock.openedUpMs![id];
        return { id, isOpen: now.isOpen, atMs: edgeMs! };
      });
      if (passed.length > 0) mark();
      return passed;
    },
    nextMs() {
      const edges = [...watched.values()].flatMap(({ edgeMs }) => edgeMs ?? []);
      return edges.length === 0 ? null : Math.min(...edges);
    },
  };
}
