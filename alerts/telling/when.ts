/** The stages that news passes on its way to one channel: whether it can be told now, and as what. */
import type { Delivery, Desk } from './desk.ts';
import { quietUntilMs } from './quiet.ts';
import { named } from './route.ts';

/** Until when the routes that name the channel leave it in peace. */
export function quietHours(delivery: Delivery, { timeZone }: Pick<Desk, 'timeZone'>): Delivery {
  const { news, channel } = delivery;
  const { routes, station, alarm, occasion } = news;
  const naming = routes.filter((route) => named(route, station).channels.includes(channel));
  return { ...delivery, quietUntilMs: quietUntilMs(naming, alarm.severity, occasion.receivedMs, timeZone) };
}

/** What a folded alarm has counted goes into its rolling summary, and is no notice. */
export function chatteringFold(delivery: Delivery, { telling }: Pick<Desk, 'telling'>): Delivery | null {
  const { news, channel, quietUntilMs: quietMs } = delivery;
  const { alarm, counted, occasion } = news;
  if (counted === undefined) return delivery;
  telling.count({ channel, alarm, counted, atMs: occasion.receivedMs }, quietMs);
  return null;
}

/** What is found late waits for the end of the occasion, and comes in one digest. */
export function lateDigest(delivery: Delivery, { late }: Pick<Desk, 'late'>): Delivery | null {
  if (delivery.news.event !== 'late-found') return delivery;
  late.gather(delivery);
  return null;
}

/** By itself or held for a summary (the places), the notice is a row of the outbox. */
export function outbox({ news, channel, quietUntilMs: quietMs }: Delivery, { telling }: Pick<Desk, 'telling'>): null {
  const { cause, event, alarm, occasion, covers, again, only, bond } = news;
  const told = { cause, event, channel, alarms: [alarm], atMs: occasion.receivedMs };
  telling.tell({ ...told, covers, again, after: only?.after }, bond, quietMs);
  return null;
}
