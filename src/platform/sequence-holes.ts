/** Holes in gateways' numbering that nobody has filled in time: what the platform condition `sequence.holes` tells. Pure. */

import { type Hole, missingIn, type Numbering, sizeOf } from '#journal/gateway-numbering.ts';
import { type Phrase, phrase, type Told, told } from '#model/alarms/phrases.ts';
import type { Seen } from './watch.ts';

const GATEWAYS_SHOWN = 5;
const RANGES_SHOWN = 4;

interface Overdue {
  gateway: string;
  /** Those of its holes that are overdue; `merged` numbers more are only counted. */
  holes: readonly Hole[];
  merged: number;
  sinceMs: number;
}

/**
 * @param upMs how long the process runs. What was missing before has to get the same time: nobody could deliver meanwhile.
 * @returns null when no hole is older than `graceMs`; undefined when that can't be told yet.
 */
export function holesOverdue(
  numberings: Iterable<[gateway: string, numbering: Numbering]>,
  { nowMs, upMs, graceMs }: { nowMs: number; upMs: number; graceMs: number },
): Seen | null | undefined {
  const overdue: Overdue[] = [];
  for (const [gateway, numbering] of numberings) {
    const found = overdueOf(gateway, numbering, nowMs - graceMs);
    if (found) overdue.push(found);
  }
  if (overdue.length === 0) return null;
  if (upMs < graceMs) return undefined;
  return { sinceMs: Math.min(...overdue.map(({ sinceMs }) => sinceMs)), ...wordsOf(overdue) };
}

function overdueOf(gateway: string, numbering: Numbering, beforeMs: number): Overdue | null {
  // Nearly always.
  if (missingIn(numbering) === 0) return null;
  const holes = numbering.holes.filter(({ sinceMs }) => sinceMs <= beforeMs);
  const merged = numbering.merged && numbering.merged.sinceMs <= beforeMs ? numbering.merged : null;
  if (holes.length === 0 && !merged) return null;
  const sinceMs = Math.min(merged?.sinceMs ?? Number.POSITIVE_INFINITY, ...holes.map((hole) => hole.sinceMs));
  return { gateway, holes, merged: merged?.count ?? 0, sinceMs };
}

function wordsOf(overdue: readonly Overdue[]): Told {
  const shown = overdue
    .toSorted((a, b) => a.sinceMs - b.sinceMs || (a.gateway < b.gateway ? -1 : 1))
    .slice(0, GATEWAYS_SHOWN);
  const rest = overdue.length - shown.length;
  return told(...shown.map(ofGateway), ...(rest === 0 ? [] : [phrase('holes.more', { n: rest })]));
}

function ofGateway({ gateway, holes, merged }: Overdue): Phrase {
  const n = holes.reduce((sum, hole) => sum + sizeOf(hole), merged);
  const ranges = holes.slice(-RANGES_SHOWN).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  const isMore = merged > 0 || ranges.length < holes.length;
  return phrase('holes.gateway', { gateway, n, ranges: `${isMore ? '…, ' : ''}${ranges.join(', ')}` });
}
