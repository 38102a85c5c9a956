/**
 * `Idempotency-Key`: the same key with the same body gets the first answer again, with another body a refusal. It is a
 * convenience in memory with limits; what makes a repeated delivery harmless is that the door knows duplicates.
 */
import { createHash } from 'node:crypto';
import { Problem } from '#api/problems.ts';
import type { Clock } from '#src/clock.ts';

interface Answer {
  status: number;
  body: unknown;
}

export interface Idempotency {
  /** @param scope whose key it is. Failures that throw are not remembered, so that they can be tried again. */
  once(scope: string, key: string, body: Uint8Array, answer: () => Promise<Answer>): Promise<Answer>;
}

const REMEMBERED_MS = 24 * 3_600_000;
const KEYS_MAX = 10_000;
/** Of answers, as JSON: one may hold five thousand quarantined values. */
const CHARACTERS_MAX = 32 << 20;
const KEY_LENGTH_MAX = 255;

interface Remembered {
  hash: string;
  atMs: number;
  answer: Promise<Answer>;
  characters: number;
}

export function createIdempotency(clock: Clock): Idempotency {
  const remembered = new Map<string, Remembered>();
  let characters = 0;

  function forget(key: string): void {
    characters -= remembered.get(key)?.characters ?? 0;
    remembered.delete(key);
  }

  function forgetOldest(): void {
    const dueMs = clock.monotonicMs() - REMEMBERED_MS;
    for (const [key, { atMs }] of remembered) {
      if (atMs > dueMs && remembered.size <= KEYS_MAX && characters <= CHARACTERS_MAX) return;
      forget(key);
    }
  }

  return {
    async once(scope, key, body, answer) {
      if (key.length === 0 || key.length > KEY_LENGTH_MAX) {
        throw new Problem('request.invalid', `Idempotency-Key: 1 to ${KEY_LENGTH_MAX} characters`);
      }
      forgetOldest();
      const name = `${scope} ${key}`;
      const hash = createHash('sha256').update(body).digest('base64');
      const known = remembered.get(name);
      if (known && known.hash !== hash) {
        throw new Problem('idempotency.conflict', 'This Idempotency-Key came with another body before.');
      }
      if (known) return known.answer;
      const entry: Remembered = { hash, atMs: clock.monotonicMs(), answer: answer(), characters: 0 };
      remembered.set(name, entry);
      try {
        const given = await entry.answer;
        entry.characters = JSON.stringify(given.body).length;
        if (remembered.get(name) === entry) characters += entry.characters;
        return given;
      } catch (error) {
        if (remembered.get(name) === entry) forget(name);
        throw error;
      }
    },
  };
}
