/**
 * How values follow each other where the frame doesn't say: `flow`, `flow+total`, `2×flow+total` (twice flow and total),
 * `flow+total, 2×level`, `alarm` for stations whose alarm reports (81H) have the alarm word before the values, `@PT1H` for
 * the step of stored values.
 */
import { durationMs } from '#model/duration.ts';
import { KINDS, type Kind } from './quantities.ts';

export interface Layout {
  kinds: Kind[];
  isAlarmFirst: boolean | null;
  stepMs: number | null;
}

const NONE: Layout = { kinds: [], isAlarmFirst: null, stepMs: null };
const GROUP = /^(?:([1-9])\s*[×x*]\s*)?([a-z]+(?:\s*\+\s*[a-z]+)*)$/;

/** @returns null for a text that is no layout. */
export function layoutIn(text: string | undefined): Layout | null {
  if (text === undefined) return NONE;
  const layout: Layout = { ...NONE, kinds: [] };
  for (const part of text.split(',').map((one) => one.trim())) {
    const [, count = '1', names] = GROUP.exec(part) ?? [];
    if (part.startsWith('@')) layout.stepMs = stepOf(part.slice(1));
    else if (part === 'alarm') layout.isAlarmFirst = true;
    else if (part === 'values') layout.isAlarmFirst = false;
    else if (names === undefined || !addAll(layout.kinds, Number(count), names)) return null;
    if (part.startsWith('@') && layout.stepMs === null) return null;
  }
  return layout;
}

function addAll(kinds: Kind[], count: number, names: string): boolean {
  const group = names.split('+').map((name) => name.trim() as Kind);
  for (let turn = 0; turn < count; turn++) kinds.push(...group);
  return group.every((kind) => KINDS.includes(kind));
}

function stepOf(text: string): number | null {
  try {
    const ms = durationMs(text);
    return ms >= 60_000 && ms <= 86_400_000 ? ms : null;
  } catch {
    return null;
  }
}
