/** What alarms say in words, in each language that people read: made where it is shown, from the condition and what was seen. */

import { type Alarm, WHOLE_STATION } from './alarm.ts';
import { type Said, saidIn, type Tongue } from './phrases.ts';
import { PLATFORM_CONDITIONS, PLATFORM_STATION, type PlatformCondition, type PlatformWords } from './platform.ts';
import { PLATFORM_ZH } from './platform-zh.ts';

type InTongues = Record<Tongue, string>;

const WORDS: Record<Tongue, Readonly<Record<PlatformCondition, PlatformWords>>> = {
  en: PLATFORM_CONDITIONS,
  zh: PLATFORM_ZH,
};

/** What a platform alarm says to people, as its `detail`. `seen` = the words of whoever met it. */
export function platformDetail(condition: PlatformCondition, seen: string): string {
  return detailIn('en', condition, seen);
}

function detailIn(tongue: Tongue, condition: PlatformCondition, seen: string): string {
  const { meaning, remedy } = WORDS[tongue][condition];
  if (tongue === 'zh') return `${meaning}${seen === '' ? '' : `具体情况：${seen}。`}处理办法：${remedy}`;
  return `${meaning}${seen === '' ? '' : ` Seen: ${seen}.`} What to do: ${remedy}`;
}

const WHOLE: InTongues = { zh: '整个站点', en: 'The whole station' };

/** What an alarm is about where its `parameter` is none: undefined for one that is about a parameter, and for a condition of a newer program. */
export function titleOf({ station, parameter }: Pick<Alarm, 'station' | 'parameter'>): InTongues | undefined {
  if (parameter === WHOLE_STATION) return WHOLE;
  const condition = conditionOf(station, parameter);
  return condition && { zh: PLATFORM_ZH[condition].title, en: PLATFORM_CONDITIONS[condition].title };
}

/** What an alarm's numbers can't say; undefined where its `detail` is no sentence (the values of an expression), or there is none. */
export function saysOf({ station, parameter, detail, said }: Alarm): InTongues | undefined {
  const condition = conditionOf(station, parameter);
  if (condition === undefined) return said && { zh: saidIn('zh', said), en: saidIn('en', said) };
  const seen = said ?? seenIn(detail ?? '');
  return {
    zh: detailIn('zh', condition, saidIn('zh', seen)),
    en: said || detail === null ? detailIn('en', condition, saidIn('en', seen)) : detail,
  };
}

function conditionOf(station: string, parameter: string): PlatformCondition | undefined {
  const isKnown = station === PLATFORM_STATION && Object.hasOwn(PLATFORM_CONDITIONS, parameter);
  return isKnown ? (parameter as PlatformCondition) : undefined;
}

/** Of an alarm that an earlier version kept in English alone, what was seen. */
function seenIn(detail: string): Said {
  if (!detail.includes(' What to do: ')) return detail === '' ? [] : [detail.replace(/\.$/, '')];
  const [, seen] = / Seen: (.*)\. What to do: /s.exec(detail) ?? [];
  return seen === undefined ? [] : [seen];
}
