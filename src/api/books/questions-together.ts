/**
 * Questions about meters as of an earlier time are dear: each has a meter's hours built from its readings. Those that come in
 * one turn and overlap are answered from one computation over the edges of all of them, since any partition of a period
 * adds up to it (invariant 4).
 */
import type { MeterVolumesAsOf, VolumeBucket } from '#books/questions/queries.ts';

type Answer = MeterVolumesAsOf | undefined;

interface Question {
  edgesMs: readonly number[];
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** @param compute is asked for one meter at a time, so that what others ask gets its turn; undefined: it wasn't there. */
export function questionsTogether(compute: (meter: string, edgesMs: number[]) => Promise<Answer>) {
  let waiting = new Map<string, Question[]>();
  let isAnswering = false;

  async function answerAll(): Promise<void> {
    while (waiting.size > 0) {
      const taken = waiting;
      waiting = new Map();
      for (const [meter, questions] of taken) {
        for (const group of overlapping(questions)) await answer(meter, group);
      }
    }
    isAnswering = false;
  }

  async function answer(meter: string, questions: readonly Question[]): Promise<void> {
    try {
      const edgesMs = [...new Set(questions.flatMap((question) => question.edgesMs))].sort((a, b) => a - b);
      const known = await compute(meter, edgesMs);
      for (const question of questions) question.resolve(known && within(known, question.edgesMs));
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }

  return (meter: string, edgesMs: readonly number[]): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    waiting.getOrInsertComputed(meter, () => []).push({ edgesMs, resolve, reject });
    if (!isAnswering) {
      isAnswering = true;
      setImmediate(() => void answerAll());
    }
    return promise;
  };
}

/** Questions whose ranges overlap or touch go together. */
function overlapping(questions: readonly Question[]): Question[][] {
  const groups: Question[][] = [];
  let untilMs = Number.NEGATIVE_INFINITY;
  for (const question of questions.toSorted((a, b) => a.edgesMs[0]! - b.edgesMs[0]!)) {
    if (question.edgesMs[0]! <= untilMs) groups.at(-1)!.push(question);
    else groups.push([question]);
    untilMs = Math.max(untilMs, question.edgesMs.at(-1)!);
  }
  return groups;
}

/** The answer to a coarser question, whose edges are some of those that were asked for. */
function within({ meter, buckets, decisions }: MeterVolumesAsOf, edgesMs: readonly number[]): MeterVolumesAsOf {
  let next = buckets.findIndex(({ startMs }) => startMs === edgesMs[0]);
  const coarser = edgesMs.slice(1).map((endMs, index): VolumeBucket => {
    const sum = { startMs: edgesMs[index]!, endMs, measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };
    for (; next < buckets.length && buckets[next]!.endMs <= endMs; next++) {
      sum.measuredLitres += buckets[next]!.measuredLitres;
      sum.estimatedLitres += buckets[next]!.estimatedLitres;
      sum.unknownMs += buckets[next]!.unknownMs;
    }
    return sum;
  });
  const isWithin = ({ timeMs }: { timeMs: number }) => timeMs >= edgesMs[0]! && timeMs < edgesMs.at(-1)!;
  return { meter, buckets: coarser, decisions: decisions.filter(isWithin) };
}
