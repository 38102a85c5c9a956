/** What is put on record about volumes: rulings on single reads, yearly plans, closed periods. */
import { z } from 'zod';
import { text } from './fields.ts';
import type { Meter } from './register.ts';

/** What an engineer may rule about the read at one time. */
export const RULING_KINDS = ['rollover', 'reset', 'replacement', 'glitch', 'reverse', 'accepted'] as const;
export type RulingKind = (typeof RULING_KINDS)[number];

/** Kept under the id that `rulingId` gives: one ruling for one read of one meter. */
export interface MeterRuling {
  meter: string;
  timeMs: number;
  kind: RulingKind;
  reason: string;
}

export function rulingId(meter: string, timeMs: number): string {
  return `${meter}.${timeMs}`;
}

/** The meter and the read that an id of `rulingId` is about. */
export function ofRulingId(ruling: string): { meter: string; timeMs: number } {
  const dot = ruling.lastIndexOf('.');
  return { meter: ruling.slice(0, dot), timeMs: Number(ruling.slice(dot + 1)) };
}

/** What a recipient is to get in a transfer year (1 November to 31 October), in m³. */
export const plan = z.strictObject({
  cubicMetres: z.number().positive().max(1e12),
  /** Shares of the year by month, November first; even by days unless told. They must add up to `cubicMetres`. */
  months: z.array(z.number().nonnegative()).length(12).optional(),
  source: text.optional(),
  note: text.optional(),
});
export type Plan = z.infer<typeof plan>;

/** A plan's id: its recipient and its transfer year, `beijing.2025-26`. */
export function planId(recipient: string, transferYear: string): string {
  return `${recipient}.${transferYear}`;
}

/** The recipient and the transfer year that an id of `planId` is about. */
export function ofPlanId(plan: string): { recipient: string; transferYear: string } {
  const dot = plan.lastIndexOf('.');
  return { recipient: plan.slice(0, dot), transferYear: plan.slice(dot + 1) };
}

/** What one kind of water came to, in integer litres; `unknownMs` = time of which nothing is known. */
export interface KeptFigure {
  recipient: string | null;
  measures: Meter['measures'];
  measuredLitres: number;
  estimatedLitres: number;
  unknownMs: number;
}

/** One meter's part of a closed period. */
export interface ClosedMeter extends KeptFigure {
  meter: string;
}

/** One closing of a period. The first is kept for ever; a restatement adds another. */
export interface Closing {
  closedAtMs: number;
  by: string;
  reason: string | null;
  /** What was asked, as a path of the API that gives the same figures. */
  query: string;
  /** Everything journaled up to here is in the figures. */
  throughSeq: number;
  /** Seq of the version of each meter's register entry. */
  versions: Record<string, number>;
  limits: { allowedLatenessMs: number };
  codeVersion: string;
  /** Of counting (counting-rules.ts); closings of before they had a number name none: `FIRST_RULES`. */
  rules?: number;
  meters: ClosedMeter[];
  /** SHA-256 (hex) of all the above as canonical JSON. */
  sha256: string;
}

/** A day's report as it was made, by recipient and by what is measured; kept under the day's name, `2026-11-22`. */
export interface KeptReport {
  fromMs: number;
  toMs: number;
  timeZone: string;
  madeAtMs: number;
  by: string;
  /** A path of the API that gives the same figures. */
  query: string;
  throughSeq: number;
  codeVersion: string;
  /** As of a closing. */
  rules?: number;
  figures: KeptFigure[];
  /** SHA-256 (hex) of all the above as canonical JSON. */
  sha256: string;
}

export interface ClosedPeriod {
  fromMs: number;
  toMs: number;
  timeZone: string;
  closings: Closing[];
}

/** `2026-11-22` = a day; or what can be closed. */
export const reportName = z
  .string()
  .regex(/^\d{4}-\d{2}(-\d{2})?$/, 'a report is of a day 2026-11-22, a month 2026-11 or a transfer year 2025-26');

/** `2026-11` = a month, `2025-26` = the transfer year that begins in November 2025. */
export const periodName = z.string().regex(/^\d{4}-\d{2}$/, 'a period is a month 2026-11 or a transfer year 2025-26');
