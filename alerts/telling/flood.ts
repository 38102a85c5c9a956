/**
 * When something comes too fast: a pure gauge of one stream. Of new alarms that is when one person can't take them in (ISA-18.2:
 * more than ten in ten minutes, until fewer than five). Its memory is one time more than `above`, however many come.
 */

export interface Gauge {
  windowMs: number;
  /** A flood begins with more than so many in the window … */
  above: number;
  /** … and is over once there are fewer than so many. */
  below: number;
}

const NEW_ALARMS: Gauge = { windowMs: 600_000, above: 10, below: 5 };

/** What a gauge has to remember, as plain data: times of the newest, oldest first, and since when it floods. */
export interface FloodState {
  timesMs: readonly number[];
  sinceMs: number | null;
}

export const CALM: FloodState = { timesMs: [], sinceMs: null };

/** The state after one more has come. @param atMs not before any time that the state has seen. */
export function raised(state: FloodState, atMs: number, gauge = NEW_ALARMS): FloodState {
  // One that comes at the very moment at which the flood would be over keeps it going.
  const sinceMs = isOver(state, atMs - 1, gauge) ? null : state.sinceMs;
  const timesMs = [...recent(state, atMs, gauge), atMs].slice(-gauge.above - 1);
  return { timesMs, sinceMs: sinceMs ?? (timesMs.length > gauge.above ? atMs : null) };
}

/** The state at a later time: what lies further back than the window is forgotten, and a flood may be over. */
export function advanced(state: FloodState, nowMs: number, gauge = NEW_ALARMS): FloodState {
  return { timesMs: recent(state, nowMs, gauge), sinceMs: isOver(state, nowMs, gauge) ? null : state.sinceMs };
}

function recent({ timesMs }: FloodState, nowMs: number, { windowMs }: Gauge): number[] {
  return timesMs.filter((atMs) => atMs > nowMs - windowMs);
}

function isOver(state: FloodState, nowMs: number, gauge: Gauge): boolean {
  const endMs = floodEndMs(state, gauge);
  return endMs !== null && endMs <= nowMs;
}

/** When the flood is over unless further ones come; null when there is none. */
export function floodEndMs({ timesMs, sinceMs }: FloodState, { windowMs, below } = NEW_ALARMS): number | null {
  return sinceMs === null ? null : (timesMs.at(-below) ?? sinceMs) + windowMs;
}

/** The stretches in which a stream was in flood, ascending. @param timesMs of its new alarms, ascending. */
export function floods(timesMs: readonly number[]): { fromMs: number; toMs: number }[] {
  const found: { fromMs: number; toMs: number }[] = [];
  let state = CALM;
  for (const atMs of timesMs) {
    if (isOver(state, atMs - 1, NEW_ALARMS)) found.push({ fromMs: state.sinceMs!, toMs: floodEndMs(state)! });
    state = raised(state, atMs);
  }
  const endMs = floodEndMs(state);
  return endMs === null ? found : [...found, { fromMs: state.sinceMs!, toMs: endMs }];
}
