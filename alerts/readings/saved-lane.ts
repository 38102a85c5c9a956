/** A lane as it is saved between starts: JSON, with each condition once; and what lanes of earlier versions don't say. */

import type { Condition } from '#alerts/rules/conditions.ts';
import { type Finding, type Peak, peakOf, peakWith } from '#alerts/rules/grades.ts';
import type { Worst } from '#model/alarms/alarm.ts';
import type { Episode, Hold } from './evaluate.ts';
import type { Lane } from './lane.ts';
import { type Chatter, STEADY } from './lane.ts';
import type { Source } from './source.ts';
import { Window, type WindowColumns } from './window.ts';

/** Conditions are saved as numbers, in columns and in findings: what is judged by, a lane has one or two of. */
type Numbered<T extends { conditions: Condition[] }> = Omit<T, 'conditions'> & { conditions: number[] };

/** The lane as it is saved. */
type Saved = Omit<Lane, 'rule' | 'series' | 'key' | 'window' | 'baseMs' | 'chatter' | 'sources' | 'isDirty'> & {
  baseMs: number | null;
  /** Absent in lanes that have been steady, or are of before anything was folded. */
  chatter?: Chatter;
  window: Numbered<WindowColumns>;
  /** Absent in lanes of before rules could derive. */
  sources?: { timely: Numbered<Source>; late: Numbered<Source> } | null;
  conditions: Condition[];
};

/** The lane as JSON. */
export function lanePayload({ base, baseMs, head, tracked, late, chatter, window, sources }: Lane): string {
  const known = new Map<Condition, number>();
  const numberOf = (condition: Condition) => known.getOrInsertComputed(condition, () => known.size);
  const numbered = <T extends { conditions: Condition[] }>(columns: T): Numbered<T> => ({
    ...columns,
    conditions: columns.conditions.map(numberOf),
  });
  const findings = <T extends Judgement>(finding: T): T => ({
    ...finding,
    condition: numberOf(finding.condition) as unknown as Condition,
  });
  const saved: Saved = {
    base: withFindings(base, findings),
    head: withFindings(head, findings),
    tracked: tracked.map((one) => ({ ...one, episode: withFinding(one.episode, findings) })),
    late: late && { ...late, worst: findings(late.worst) },
    ...(chatter === STEADY ? {} : { chatter }),
    baseMs: Number.isFinite(baseMs) ? baseMs : null,
    window: numbered(window.toColumns()),
    sources: sources && { timely: numbered(sources.timely), late: numbered(sources.late) },
    conditions: [...known.keys()],
  };
  return JSON.stringify(saved);
}

/**
 * @param intern makes equal conditions one object, so that a thousand lanes of a rule share it.
 * @param worstOf what an alarm says that its worst was: lanes of before don't remember it.
 */
export function laneFrom(
  rule: string,
  series: number,
  key: string,
  body: string,
  intern: (condition: Condition) => Condition,
  worstOf: (alarm: string) => Worst | null = () => null,
): Lane {
  const saved = JSON.parse(body) as Saved;
  const { base, head, tracked, late, chatter = STEADY, baseMs, window, sources = null, conditions } = saved;
  const shared = conditions.map((condition) => intern(completeCondition(condition)));
  // Lanes of before have the conditions of their findings in full.
  const findings = <T extends Judgement>(finding: T): T => {
    const { condition: kept } = finding;
    const condition = typeof kept === 'number' ? shared[kept]! : intern(completeCondition(kept));
    return { ...finding, condition };
  };
  const peaked = (alarm: string | undefined) => (episode: Episode) => withPeak(episode, alarm ?? '', worstOf);
  const named = <T extends { conditions: number[] }>(columns: T) => ({
    ...columns,
    conditions: columns.conditions.map((index) => shared[index]!),
  });
  return {
    rule,
    series,
    key,
    base: withFindings(completed(base, peaked(tracked[0]?.alarm)), findings),
    head: withFindings(completed(head, peaked(tracked.at(-1)?.alarm)), findings),
    tracked: tracked.map((one) => ({ ...one, episode: withFinding(peaked(one.alarm)(one.episode), findings) })),
    late: late && {
      ...late,
      count: late.count ?? Number.MAX_SAFE_INTEGER,
      worst: findings(late.worst),
      worstMs: late.worstMs ?? late.startMs,
    },
    chatter,
    baseMs: baseMs ?? -Infinity,
    window: Window.from(named(window)),
    sources: sources && { timely: named(sources.timely), late: named(sources.late) },
    isDirty: false,
  };
}

/** What conditions saved by earlier versions don't say. */
const UNSAID = { derive: null, minBreaches: 1, keepMs: 0, stepDownMs: 0, steps: [] };

function completeCondition(condition: Condition): Condition {
  return condition.steps === undefined ? { ...condition, ...UNSAID } : condition;
}

function completed(hold: Hold, peaked: (episode: Episode) => Episode): Hold {
  switch (hold.phase) {
    case 'breached':
      return { ...hold, count: hold.count ?? 1, peak: hold.peak ?? null };
    case 'raised':
      return { ...hold, milderSinceMs: hold.milderSinceMs ?? null, episode: peaked(hold.episode) };
    case 'cleared':
      return { ...hold, episode: peaked(hold.episode) };
    default:
      return hold;
  }
}

/** The episode with its peak, which one of before lacks: then it is what its alarm knows of it. */
function withPeak(episode: Episode, alarm: string, worstOf: (alarm: string) => Worst | null): Episode {
  if (episode.peak !== undefined) return episode;
  const { finding, raisedAtMs, severity } = episode;
  const worst = worstOf(alarm);
  const peak = worst ? peakOf(worst, finding.condition) : peakWith(null, finding, raisedAtMs, severity);
  return { ...episode, peak };
}

/** What is saved with a number in the place of its condition. */
type Judgement = Pick<Finding, 'condition'>;
type Exchange = <T extends Judgement>(judgement: T) => T;

function withFindings(hold: Hold, change: Exchange): Hold {
  if (hold.phase === 'breached') return { ...hold, peak: hold.peak && change<Peak>(hold.peak) };
  return 'episode' in hold ? { ...hold, episode: withFinding(hold.episode, change) } : hold;
}

function withFinding(episode: Episode, change: Exchange): Episode {
  return { ...episode, finding: change(episode.finding), peak: change(episode.peak) };
}
