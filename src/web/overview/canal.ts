/**
 * Where the canal's stations stand in the drawing: three stretches, the first at the bottom, as the water flows from
 * south to north. Gates keep their order and equal distances; monitoring points stand between the gates beside them.
 */
import type { Station } from '../core/watch.ts';

interface Spot {
  station: Station;
  x: number;
  y: number;
}

export interface Canal {
  gates: (Spot & { number: number })[];
  monitors: (Spot & { number: number })[];
  /** The canal's line, as an SVG path from its head on. */
  path: string;
  /** Where one area's gates end and the next one's begin. */
  borders: { x: number; y: number; before: string; after: string }[];
  end: { x: number; y: number };
}

export interface Frame {
  left: number;
  right: number;
  /** Of the stretches, in the order of the flow. */
  rows: readonly number[];
  head: { x: number; y: number };
}

const numbered = (prefix: RegExp, stations: Iterable<Station>): { station: Station; number: number }[] =>
  [...stations]
    .flatMap((station) => {
      const found = prefix.exec(station.id);
      return found ? [{ station, number: Number(found[1]) }] : [];
    })
    .sort((a, b) => a.number - b.number);

/** @returns null when no gates are registered: another installation's canal isn't this drawing's. */
export function layOut(stations: ReadonlyMap<string, Station>, frame: Frame): Canal | null {
  const gates = numbered(/^mr-gate-(\d+)$/, stations.values());
  if (gates.length === 0) return null;
  const perRow = Math.ceil(gates.length / frame.rows.length);
  const step = (frame.right - frame.left) / perRow;
  // A slot's place: half slots lie between gates. Stretches run to and fro.
  const at = (slot: number): { x: number; y: number } => {
    const row = Math.min(frame.rows.length - 1, Math.max(0, Math.floor(slot / perRow)));
    const along = (slot - row * perRow + 0.5) * step;
    return { x: row % 2 === 0 ? frame.left + along : frame.right - along, y: frame.rows[row]! };
  };
  const slotOfGate = new Map(gates.map(({ station }, slot) => [station.id, slot]));
  const taken = new Set<number>();
  const monitors = numbered(/^mr-monitor-(\d+)$/, stations.values()).map(({ station, number }) => {
    const near = station.tags?.near ?? '';
    let slot = (near === 'taocha' ? -1 : (slotOfGate.get(near) ?? 0)) + 0.5;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    return { station, number, ...at(Math.min(slot, gates.length - 0.5)) };
  });
  const placed = gates.map(({ station, number }, slot) => ({ station, number, ...at(slot) }));
  const borders = placed.slice(1).flatMap((gate, index) => {
    const [before, after] = [placed[index]!.station.area, gate.station.area];
    const spot = at(index + 0.5);
    return before && after && before !== after ? [{ ...spot, before, after }] : [];
  });
  const last = frame.rows.length - 1;
  const end = { x: last % 2 === 0 ? frame.right + 26 : frame.left - 26, y: frame.rows[last]! };
  return { gates: placed, monitors, borders, end, path: pathOf(frame, end) };
}

/** From the head to the first stretch, then to and fro, with round turns. */
function pathOf({ left, right, rows, head }: Frame, end: { x: number; y: number }): string {
  const parts = [`M${head.x} ${head.y}`, `C${head.x} ${head.y + 110} ${head.x + 16} ${rows[0]} ${left - 8} ${rows[0]}`];
  rows.forEach((y, row) => {
    const toRight = row % 2 === 0;
    if (row === rows.length - 1) {
      parts.push(`H${end.x}`);
      return;
    }
    const edge = toRight ? right : left;
    const radius = (y - rows[row + 1]!) / 2;
    parts.push(`H${edge}`, `a${radius} ${radius} 0 0 ${toRight ? 0 : 1} 0 ${-2 * radius}`);
  });
  return parts.join(' ');
}
