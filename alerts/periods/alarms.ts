/**
 * Alarms about closed periods, worked out whole from the verdicts on them: a run of breaches is an alarm, over with the
 * first period that meets the limit. Whatever order verdicts come in, and however often, the same alarms are left.
 */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import { alarmIdOfKey, raise, record, revise, withdraw } from '#alerts/life/lifecycle.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import { type Episode, fold, type Judged, NORMAL, sameEpisode } from '#alerts/readings/evaluate.ts';
import type { PeriodVerdict, PeriodVerdicts } from '#alerts/records/period-verdicts.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { Condition } from '#alerts/rules/conditions.ts';
import { BREACH, peakOf } from '#alerts/rules/grades.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Span } from './closed-periods.ts';

/** A period on which the verdict is new, another one or gone. */
export type Touched = Pick<PeriodVerdict, 'key' | 'basis'> & Span;

interface Parts {
  verdicts: PeriodVerdicts;
  store: Pick<AlertStore, 'alarm'>;
  log: AlarmLog;
  occasion: Occasion;
}

/** Brings the alarms up to date with the verdicts; in the caller's open transaction. */
export function followVerdicts(touched: readonly Touched[], parts: Parts): void {
  const byName = Map.groupBy(touched, ({ key, basis }) => `${key} ${basis}`);
  for (const name of [...byName.keys()].sort()) {
    let throughMs = Number.MIN_SAFE_INTEGER;
    for (const one of byName.get(name)!.sort((a, b) => a.endMs - b.endMs)) {
      if (one.endMs > throughMs) throughMs = followRuns(one, parts);
    }
  }
}

/** The run that a period is in and, if the period ends it, the next one. @returns the end of what was looked at. */
function followRuns(touched: Touched, parts: Parts): number {
  const own = parts.verdicts.run(touched, touched.endMs);
  const throughMs = followRun(touched, own, parts);
  if (own.at(-1)?.endMs !== touched.endMs) return throughMs;
  const next = parts.verdicts.run(touched, touched.endMs + 1);
  return next.length === 0 ? throughMs : followRun({ ...touched, ...next[0]! }, next, parts);
}

function followRun(touched: Touched, run: readonly PeriodVerdict[], parts: Parts): number {
  const fromMs = Math.min(touched.startMs, run[0]?.startMs ?? touched.startMs);
  const throughMs = Math.max(touched.endMs, run.at(-1)?.endMs ?? touched.endMs);
  for (const late of [false, true]) {
    const known = parts.verdicts.alarms(touched, late, fromMs, throughMs);
    bringUpToDate(touched, known, episodeOf(run, late), late, parts);
  }
  return throughMs;
}

/** Of the timely breaches, or of those that were found late. A run ends with the first verdict that isn't one. */
function episodeOf(run: readonly PeriodVerdict[], late: boolean): Episode | null {
  const judged: Judged[] = [];
  let condition: Condition | null = null;
  for (const verdict of run) {
    if (verdict.grade >= BREACH && verdict.late !== late) continue;
    condition = verdict.condition === null ? condition : conditionIn(verdict.condition);
    // What meets the limit before anything broke it says nothing.
    if (condition === null) continue;
    const { endMs: timeMs, value, grade, note } = verdict;
    judged.push({ timeMs, value, grade, condition, ...(note === null ? {} : { note }) });
  }
  const [episode] = fold(NORMAL, judged).episodes;
  if (!episode) return null;
  const { startMs } = run.find(({ endMs }) => endMs === episode.breachStartMs)!;
  const clearedAtMs = episode.clearedAtMs ?? (late ? episode.lastBreachMs : null);
  return { ...episode, breachStartMs: startMs, clearedAtMs };
}

/** Most verdicts of a rule have one and the same condition. */
const conditions = new Map<string, Condition>();
const CONDITIONS_MAX = 1000;

function conditionIn(text: string): Condition {
  if (conditions.size > CONDITIONS_MAX) conditions.clear();
  return conditions.getOrInsertComputed(text, () => JSON.parse(text) as Condition);
}

function bringUpToDate(
  { key }: Touched,
  known: readonly Alarm[],
  episode: Episode | null,
  late: boolean,
  { store, log, occasion }: Parts,
): void {
  const [kept] = episode ? known : [];
  for (const alarm of known) {
    if (alarm === kept) continue;
    const step = withdraw(alarm, 'on better knowledge of its periods it does not hold');
    if (step) log.write(step, occasion);
  }
  if (!episode) return;
  const lastBreachMs = episode.clearedAtMs === null ? null : episode.lastBreachMs;
  if (kept) {
    if (!sameEpisode(toldEpisode(kept, episode), episode)) log.write(revise(kept, episode), occasion, lastBreachMs);
    return;
  }
  const birth = { id: newId(key, episode, store), key, detectedAtMs: occasion.receivedMs };
  log.write(late ? record(episode, birth) : raise(episode, birth), occasion, lastBreachMs);
}

/** The episode that an alarm tells of, as far as it can differ. */
function toldEpisode(
  { breachStartMs, raisedAtMs, clearedAtMs, severity, value, detail, worst }: Alarm,
  now: Episode,
): Episode {
  const finding = { ...now.finding, value: value ?? Number.NaN, ...(detail === null ? {} : { note: detail }) };
  const peak = worst ? peakOf(worst, now.peak.condition) : { ...now.peak, value: Number.NaN };
  return { ...now, breachStartMs, raisedAtMs, clearedAtMs, severity, finding, peak };
}

/** Named after the first of its periods: the same whenever and in whatever order its verdicts came. */
function newId(key: string, { breachStartMs }: Episode, store: Pick<AlertStore, 'alarm'>): string {
  for (let ordinal = 0; ; ordinal++) {
    const id = alarmIdOfKey(String(breachStartMs), key, ordinal);
    if (!store.alarm(id)) return id;
  }
}
