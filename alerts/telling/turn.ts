/** The stages of a channel's turn: how many notices may begin, what goes together when that isn't enough, and who is first. */
import { chosen, isFresh, summaries, tellable } from './lines.ts';
import type { Sender, Turn } from './sending.ts';

/** So many notices of one channel are on their way at a time. */
const CONCURRENT_PER_CHANNEL = 4;

/** What the channel's limit per minute leaves. */
export function allowance(turn: Turn): Turn {
  const { queue, nowMs, perMinute } = turn;
  return { ...turn, free: queue.allowance.free(nowMs, perMinute), room: CONCURRENT_PER_CHANNEL - queue.sending };
}

/** When more wait than may go, they go together. */
export function limitSummary(turn: Turn, sender: Pick<Sender, 'gather'>): Turn {
  const { channel, queue, free, room } = turn;
  if (free === 0 || room <= 0 || queue.items.size - queue.sending <= free) return turn;
  const waiting = tellable(queue.items);
  const others = queue.ready.filter((item) => !isFresh(item)).length;
  if (waiting.length + others <= free) return turn;
  for (const members of summaries(waiting, free)) sender.gather(channel, queue, members);
  return turn;
}

/** Newcomers and retries by turns. What the limit holds back is looked at again when it lets more begin. */
export function turns(turn: Turn): Turn {
  const { queue, nowMs, perMinute, free, room } = turn;
  const most = Math.min(free, room);
  const starts = chosen(queue.ready, Math.max(0, most), queue.favourRetry);
  if (queue.ready.length > most && starts.length > 0) queue.favourRetry = !queue.favourRetry;
  if (queue.ready.length <= starts.length || room <= starts.length || queue.cancel) return { ...turn, starts };
  // The starts count from now, so the limit may be reached only by them.
  const waitMs = Math.max(1, queue.allowance.nextMs(nowMs, perMinute) - nowMs);
  return { ...turn, starts, waitMs };
}
