/**
 * Has the door judge messages of our own before anybody else's come: what it does for the first time costs several times as
 * much, while its code is compiled, and would hold up the main thread. They are judged as a preview: nothing is kept of them.
 */
import type { Control } from '#journal/registers.ts';
import type { Station } from '#model/register.ts';
import type { ContentType, Door } from './door.ts';

const ROUNDS = 8;
const SAMPLES = 200;
const SAMPLE_MS = 60_000;

/** @param nowMs the samples' times end here. */
export function warmUp(door: Pick<Door, 'preview'>, control: Pick<Control, 'list'>, nowMs: number): void {
  const [first] = control.list('station');
  const payloads = payloadsOf(first?.id ?? 'nowhere', first?.body.parameters ?? [], nowMs);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [contentType, payload] of payloads) {
      door.preview({ source: 'user:warm-up', stations: null, contentType, payload });
    }
  }
}

/** As gateways write them: a value a sample, many in one, values that say more, names that nobody knows, and rows. */
function payloadsOf(station: string, listed: Station['parameters'], nowMs: number): [ContentType, Uint8Array][] {
  const names = listed.length === 0 ? ['ph'] : listed.map(({ id }) => id);
  const times = Array.from({ length: SAMPLES }, (_, n) => new Date(nowMs - (SAMPLES - n) * SAMPLE_MS).toISOString());
  const nameAt = (n: number) => names[n % names.length]!;
  const plain = times.map((time, n) => ({ station, time, values: { [nameAt(n)]: 7 + (n % 10) / 10 } }));
  const whole = times.map((time, n) => ({
    station,
    time,
    values: Object.fromEntries(names.map((name) => [name, n % 3 === 0 ? { value: n, flag: 'N' } : n])),
  }));
  const unknown = {
    station,
    time: times[0],
    values: Object.fromEntries(times.map((_, n) => [`nobody-knows-${n}`, n])),
  };
  const rows = times.map((time, n) => `${station},${time},${nameAt(n)},${n},,`);
  const json = (message: unknown): [ContentType, Uint8Array] => [
    'application/json',
    Buffer.from(JSON.stringify(message)),
  ];
  return [
    json({ seq: 1, samples: plain }),
    json({ samples: whole.slice(0, Math.ceil(SAMPLES / names.length)) }),
    json(unknown),
    ['text/csv', Buffer.from(`station,time,parameter,value,unit,flag\n${rows.join('\n')}\n`)],
  ];
}
