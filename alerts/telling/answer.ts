/** The stages of what came of an attempt: whether and when it is tried again, and who takes over what can't be told. */
import { FALLBACK_AFTER } from '#model/alarms/channel.ts';
import type { Item } from './lines.ts';
import type { Answer, Sender } from './sending.ts';

const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_MAX_MS = 300_000;
const BACK_OFF_JITTER = 0.2;
/** A recipient that wants to be asked again at once isn't. */
const RETRY_MIN_MS = BACK_OFF_FIRST_MS * (1 - BACK_OFF_JITTER);
/** A notice that could not be sent for so long is about another week's water. */
const GIVE_UP_MS = 7 * 86_400_000;

/** The wait before try number `tries` + 1: 1, 2, 4, 8 … s up to 5 min, ±20 % (contracts §6). */
export function backOffMs(tries: number, random: number): number {
  const base = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** (tries - 1));
  return Math.round(base * (1 - BACK_OFF_JITTER + 2 * BACK_OFF_JITTER * random));
}

/** The notice knows of the attempt, and of each address behind the channel that it has reached. */
export function receipts(answer: Answer): Answer {
  const { item, sent } = answer;
  const { receipts: reached = [] } = sent;
  item.tries++;
  item.isDue = false;
  item.receipts = new Map([...item.receipts, ...reached.map(({ to, outcome }) => [to, outcome] as const)]);
  return answer;
}

/** What failed for now is tried again, until another channel may have it, or it is too old. */
export function retry(answer: Answer, sender: Pick<Sender, 'channel' | 'random'>): Answer {
  const { item, sent, atMs } = answer;
  if (sent.outcome !== 'failed-for-now') return answer;
  const { retryAfterMs = backOffMs(item.tries, sender.random()) } = sent;
  item.nextAtMs = atMs + Math.max(RETRY_MIN_MS, retryAfterMs);
  const fallback = fallbackOf(item, sender);
  if (fallback !== null && item.tries >= fallback.after) {
    return ended(answer, `given to ${fallback.id} after ${item.tries} attempts`);
  }
  return item.nextAtMs - item.createdAtMs <= GIVE_UP_MS ? answer : ended(answer, 'given up after a week');
}

function ended(answer: Answer, why: string): Answer {
  const { sent } = answer;
  return { ...answer, sent: { ...sent, outcome: 'failed-for-good', status: `${sent.status}; ${why}` } };
}

/** What failed for good goes to another channel. */
export function fallback(answer: Answer, sender: Pick<Sender, 'channel'>): Answer {
  if (answer.sent.outcome !== 'failed-for-good') return answer;
  return { ...answer, fallback: fallbackOf(answer.item, sender)?.id ?? null };
}

/** Who takes over when nobody behind the channel has the notice; a test tests its own channel. */
function fallbackOf({ channel: id, event, receipts }: Item, { channel: known }: Pick<Sender, 'channel'>) {
  const { fallback: other, fallbackAfter: after = FALLBACK_AFTER } = known(id) ?? {};
  const isReached = [...receipts.values()].includes('sent');
  if (other === undefined || other === id || event === 'test' || isReached) return null;
  return known(other) ? { id: other, after } : null;
}
