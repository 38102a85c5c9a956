/** What an occasion finds late is gathered by channel and told in one digest each. */
import type { Occasion } from '#alerts/life/occasion.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { LateFinds, Telling } from './desk.ts';

export function createLateFinds(telling: Telling): LateFinds {
  /** By channel; the alarms of each by their ids, in order. */
  const digests = new Map<string, { alarms: Map<string, Alarm>; quietUntilMs: number | null }>();
  return {
    gather({ news: { alarm }, channel, quietUntilMs }) {
      const others = digests.get(channel);
      // As soon as one of them may be told, all are.
      const isQuiet = quietUntilMs !== null && (!others || others.quietUntilMs !== null);
      const alarms = others?.alarms ?? new Map<string, Alarm>();
      digests.set(channel, { alarms: alarms.set(alarm.id, alarm), quietUntilMs: isQuiet ? quietUntilMs : null });
    },
    has: (alarm) => [...digests.values()].some(({ alarms }) => alarms.has(alarm)),
    tell({ origin, receivedMs }: Occasion) {
      for (const [channel, { alarms, quietUntilMs }] of digests) {
        const cause = `${origin}/digest`;
        const bond = { kind: 'late', name: null } as const;
        const told = { cause, event: 'late-found', channel, alarms: [...alarms.values()], atMs: receivedMs } as const;
        telling.tell(told, bond, quietUntilMs);
      }
      digests.clear();
    },
  };
}
