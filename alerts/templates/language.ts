/** What a language has to say: words and turns of phrase, no logic. One file per language; docs/channels.md lists them. */

import type { Bond } from '#alerts/telling/grouping.ts';
import type { Again } from '#model/alarms/alarm.ts';

export interface Language {
  /** Stands in every title, so that a robot's keyword filter may ask for it. */
  product: string;
  /** Names for events and severities; one that is missing is said as it is written in the notice. */
  events: Readonly<Record<string, string>>;
  /** Why an alarm that was told before is told once more. */
  again: Readonly<Record<Again, string>>;
  severities: Readonly<Record<string, string>>;
  /** `II` or `worse` as people call it. */
  classes: Readonly<Record<string, string>>;
  labels: Readonly<
    Record<
      | 'station'
      | 'parameter'
      | 'value'
      | 'limit'
      | 'class'
      | 'multiple'
      | 'worst'
      | 'since'
      | 'ended'
      | 'by'
      | 'rule'
      | 'detail'
      | 'severity'
      | 'covers'
      | 'unacknowledged',
      string
    >
  >;
  /** Between a label and its value, and around an aside. */
  colon: string;
  aside: (text: string) => string;
  /** Between the parts of a sentence. */
  comma: string;
  /** `{ severity, event }` as the first words of a title. */
  headline: (severity: string, event: string) => string;
  multiple: (text: string) => string;
  /** A reading found late, and when it was found. */
  late: (detectedAt: string) => string;
  platform: string;
  canal: string;
  gateways: string;
  /** The share of the intake that is lost. */
  loss: string;
  test: string;
  /** Titles of a digest and of a summary. */
  digest: (alarms: number) => string;
  summary: (notices: number, alarms: number) => string;
  /** Titles of summaries whose members have something in common; `bond` = what. */
  flood: (bond: string, notices: number, alarms: number, isOver: boolean) => string;
  chattering: (subject: string, raises: number, ends: number) => string;
  quiet: (notices: number, alarms: number) => string;
  bonds: Readonly<Record<Exclude<Bond['kind'], 'alarm'>, (name: string) => string>>;
  /** How many stations, and which; `hidden` of them aren't named. */
  stations: (count: number, names: readonly string[], hidden: number) => string;
  duration: (ms: number) => string;
  more: (hidden: number) => string;
  /** What is pressed to take an alarm over, and to look at it. */
  acknowledge: string;
  open: string;
}

/** A duration in the largest unit that it fills: up to an hour in minutes, up to two days in hours. */
export function inUnits(ms: number, say: (count: number, unit: 'min' | 'h' | 'd') => string): string {
  if (ms < 3_600_000) return say(Number((ms / 60_000).toFixed(1)), 'min');
  return ms < 172_800_000
    ? say(Number((ms / 3_600_000).toFixed(1)), 'h')
    : say(Number((ms / 86_400_000).toFixed(1)), 'd');
}
