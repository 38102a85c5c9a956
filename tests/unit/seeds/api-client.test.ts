/** The client that the demonstration uses, against a service that is busy. */
import { expect, it } from 'vitest';
import { ApiError, patiently } from '#seeds/api-client.ts';

it('asks again when the service says so, after what it says, and gives up on anything else', async () => {
  const answers = [
    new ApiError(503, 'overloaded', 'too busy', 5),
    new ApiError(429, 'rate.limited', 'slower', 1),
    'alarms',
  ];
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const ask = async () => {
    const answer = answers.shift()!;
    if (typeof answer !== 'string') throw answer;
    return answer;
  };
  expect(await patiently(ask, pause)).toBe('alarms');
  expect(pauses).toEqual([5000, 1000]);
  answers.push(new ApiError(401, 'token.invalid', 'no', null));
  await expect(patiently(ask, pause)).rejects.toThrow('no');
  answers.push(new ApiError(503, 'journal.full', 'full', null), 'room again');
  expect(await patiently(ask, pause)).toBe('room again');
  expect(pauses.at(-1)).toBe(1000);
});
