/**
 * When alarms come faster than one person can take them in (ISA-18.2: more than ten in ten minutes, until fewer than
 * five): a pure gauge of one stream of new alarms. Its memory is eleven times, however many alarms come.
 */

const WINDOW_MS = 600_000;
/** A flood begins with more than so many new alarms in the window … */
const ABOVE = 10;
/** … and is over once there are fewer than so many. */
const BELOW = 5;

/** What a gauge has to remember, as plain data: times of the newest alarms, oldest first, and since when it floods. */
export interface FloodState {
  timesMs: readonly number[];
  sinceMs: number | null;
}

export const CALM: FloodState = { timesMs: [], sinceMs: null };

/** The state after an alarm is raised. @param atMs not before any time that the state has seen. */
export function raised(state: FloodState, atMs: number): FloodState {
  // One that comes at the very moment at which the flood would be over keeps it going.
  const sinceMs = isOver(state, atMs - 1) ? null : state.sinceMs;
  const timesMs = [...recent(state, atMs), atMs].slice(-ABOVE - 1);
  return { timesMs, sinceMs: sinceMs ?? (timesMs.length > ABOVE ? atMs : null) };
}

/** The state at a later time: what lies further back than the window is forgotten, and a flood may be over. */
export function advanced(state: FloodState, nowMs: number): FloodState {
  return { timesMs: recent(state, nowMs), sinceMs: isOver(state, nowMs) ? null : state.sinceMs };
}

function recent({ timesMs }: FloodState, nowMs: number): number[] {
  return timesMs.filter((atMs) => atMs > nowMs - WINDOW_MS);
}

function isOver(state: FloodState, nowMs: number): boolean {
  const endMs = floodEndMs(state);
  return endMs !== null && endMs <= nowMs;
}

/** When the flood is over unless further alarms come; null when there is none. */
export function floodEndMs({ timesMs, sinceMs }: FloodState): number | null {
  return sinceMs === null ? null : (timesMs.at(-BELOW) ?? sinceMs) + WINDOW_MS;
}

/** The stretches in which a stream was in flood, ascending. @param timesMs of its new alarms, ascending. */
export function floods(timesMs: readonly number[]): { fromMs: number; toMs: number }[] {
  const found: { fromMs: number; toMs: number }[] = [];
  let state = CALM;
  for (const atMs of timesMs) {
    if (isOver(state, atMs - 1)) found.push({ fromMs: state.sinceMs!, toMs: floodEndMs(state)! });
    state = raised(state, atMs);
  }
  const endMs = floodEndMs(state);
  return endMs === null ? found : [...found, { fromMs: state.sinceMs!, toMs: endMs }];
}
