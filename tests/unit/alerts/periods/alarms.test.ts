/** Alarms follow verdicts on periods: whatever came first and was changed later, those of the last verdicts are left. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAlarmLog } from '#alerts/life/alarm-log.ts';
import { followVerdicts } from '#alerts/periods/alarms.ts';
import { alarms } from '#alerts/records/answers.ts';
import { openPeriodVerdicts } from '#alerts/records/period-verdicts.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import type { Condition } from '#alerts/rules/conditions.ts';
import { BREACH_UNCLASSED, CLEAR } from '#alerts/rules/grades.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import { loadReference } from '#seeds/reference.ts';

const NAME = { key: 'r/weir/nh3n', basis: 'day' } as const;
const CONDITION: Condition = {
  parameter: 'nh3n',
  unit: 'mg/L',
  bound: { op: '<=', value: 0.5 },
  derive: null,
  period: 'day',
  margin: 0,
  forMs: 0,
  clearForMs: 0,
  minBreaches: 1,
  keepMs: 0,
  stepDownMs: 0,
  steps: [],
  holeMs: 3,
  severity: 'major',
  target: null,
  waterBody: null,
  statesMultiple: false,
};

type Said = 'clear' | 'timely' | 'late' | 'nothing';
interface Change {
  period: number;
  said: Said;
}
const PERIODS = 8;
const change = fc.record({
  period: fc.integer({ min: 0, max: PERIODS - 1 }),
  said: fc.constantFrom<Said[]>('clear', 'timely', 'timely', 'late', 'nothing'),
});

function createBooks() {
  const derived = openDerived(':memory:');
  const store = openAlertStore(derived);
  const verdicts = openPeriodVerdicts(derived, CLEAR);
  const reference = loadReference();
  const log = createAlarmLog({
    derived,
    store,
    control: new Control([]),
    standard: reference.standards.values().next().value!,
    allowedLatenessMs: 0,
    timeZone: 'UTC',
    publicUrl: null,
    stationsBehind: () => [],
  });
  let seq = 0;
  return {
    /** Periods are one long: number n is from n to n + 1. */
    say(...changes: Change[]) {
      const touched = changes.map(({ period, said }) => {
        const span = { startMs: period, endMs: period + 1 };
        const isBreach = said === 'timely' || said === 'late';
        const condition = isBreach ? JSON.stringify(CONDITION) : null;
        const grade = isBreach ? BREACH_UNCLASSED : CLEAR;
        const about = { rule: 'r', subject: 'weir', late: said === 'late', value: 1, note: null };
        if (said === 'nothing') verdicts.remove(NAME, span.endMs);
        else verdicts.put({ ...NAME, ...span, ...about, grade, condition });
        return { ...NAME, ...span };
      });
      seq++;
      followVerdicts(touched, { verdicts, store, log, occasion: { origin: String(seq), seq, receivedMs: 100 } });
    },
    left() {
      const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
      return alarms(derived, { ...all, limit: 1000, after: null })
        .filter(({ state }) => state !== 'withdrawn')
        .map(({ late, breachStartMs, raisedAtMs, clearedAtMs }) => ({ late, breachStartMs, raisedAtMs, clearedAtMs }))
        .sort((a, b) => Number(a.late) - Number(b.late) || a.breachStartMs - b.breachStartMs);
    },
  };
}

/** What is left once everything has been said, by going through it from the first period to the last. */
function expected(said: readonly Said[]) {
  return (['timely', 'late'] as const).flatMap((kind) => {
    const found: object[] = [];
    let [first, last] = [-1, -1];
    const over = (clearedAtMs: number | null) => {
      if (first >= 0) found.push({ late: kind === 'late', breachStartMs: first, raisedAtMs: first + 1, clearedAtMs });
      first = -1;
    };
    for (const [period, word] of said.entries()) {
      if (word === 'clear') over(period + 1);
      if (word !== kind) continue;
      if (first < 0) first = period;
      last = period;
    }
    over(kind === 'late' ? last + 1 : null);
    return found;
  });
}

it('the alarms are those of the last verdicts, one by one or together', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), fc.boolean(), (changes, isTogether) => {
      const books = createBooks();
      if (isTogether) books.say(...changes);
      else for (const one of changes) books.say(one);
      const said = Array.from({ length: PERIODS }, (_, period): Said => {
        return changes.findLast((one) => one.period === period)?.said ?? 'nothing';
      });
      expect(books.left()).toEqual(expected(said));
    }),
    { numRuns: 200 },
  );
});
