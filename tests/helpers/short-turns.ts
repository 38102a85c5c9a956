/** Requests that may hold the main thread up for no longer than one turn of the event loop may take. */
import { Readable } from 'node:stream';
import { expect } from 'vitest';
import { type ApiRig, authorization } from './api.ts';
import { longestTurnMs } from './longest-turn.ts';

/** Processor time: none takes more than 10 ms as measured, and garbage and a slow machine have their room. */
const LONGEST_MS = 40;
/** One message is judged in one turn. */
export const MESSAGE_MS = 100;
const TRIES = 5;
export const JSON_TYPE = { 'content-type': 'application/json' };

export interface Sent {
  method: 'GET' | 'POST' | 'PUT';
  url: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/**
 * The answer is not checked against its schema nor made into text, which would be part of the turn; bodies come in pieces, as
 * from a socket.
 */
export async function sentTo({ server, ...rig }: ApiRig, { method, url, headers = JSON_TYPE, body }: Sent) {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const bytes = Buffer.from(text ?? '');
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  const answer = await server.inject({
    payloadAsStream: true,
    method,
    url: `/api/v1${url}`,
    headers: { ...authorization(rig, 'admin'), ...(text === undefined ? {} : headers) },
    ...(text === undefined ? {} : { payload: Readable.from(pieces()) }),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer.stream()) chunks.push(chunk as Buffer);
  const { statusCode } = answer;
  const bodyText = () => Buffer.concat(chunks).toString();
  return { statusCode, text: bodyText, json: () => JSON.parse(bodyText()) };
}

/** Asks up to five times, since a first time is cold and any may meet garbage: the dear one is dear each time. */
export async function expectShortTurns(rig: ApiRig, sent: Sent, status: number, limitMs = LONGEST_MS) {
  const answers: Awaited<ReturnType<typeof sentTo>>[] = [];
  let longest = Number.POSITIVE_INFINITY;
  while (longest >= limitMs && answers.length < TRIES) {
    longest = Math.min(longest, await longestTurnMs(async () => void answers.push(await sentTo(rig, sent))));
  }
  const [first] = answers;
  expect([first!.statusCode, first!.statusCode === status ? '' : first!.text().slice(0, 300)]).toEqual([status, '']);
  expect(longest).toBeLessThan(limitMs);
  return first!;
}
