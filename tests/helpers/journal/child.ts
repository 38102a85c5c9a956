/**
 * A process that appends to the journal of the directory in argv[2] until it is killed, as fast as it is
 * acknowledged, and prints what happened: `open`, `ack SEQ NUMBER`, `fail CODE`, `again`. Numbers go on from argv[3].
 */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { MessageDraft, QuarantineDraft } from '#journal/port.ts';
import { openJournal } from '#journal/writer.ts';
import { systemClock } from '#src/clock.ts';

const LANES = 16;
const directory = process.argv[2]!;
let number = Number(process.argv[3] ?? 0);

const say = (line: string) => writeSync(1, `${line}\n`);

const journal = openJournal({
  path: join(directory, 'journal.db'),
  clock: systemClock,
  maxBytes: 1 << 30,
  ackMaxDelayMs: 20,
});
say('open');
await journal.start();
let isFailing = false;

function draftOf(own: number, source: string, replayOf: string | undefined): MessageDraft {
  const readings = Array.from({ length: own % 7 }, (_, index) => {
    // New series keep coming, so that failed and killed commits hold some.
    const { series } = journal.seriesFor(source, `p${Math.floor(own / 300)}-${index}`);
    return {
      series: series.id,
      timeMs: own * 1_000,
      value: own / 7,
      flag: 1,
      deviceFlag: null,
      verdict: 'new',
    } as const;
  });
  const item: QuarantineDraft = {
    id: randomUUID(),
    code: 'unit.unknown',
    message: 'unit',
    path: null,
    contentType: 'application/json',
    payload: Buffer.from(`{"n":${own}}`),
    source,
  };
  const quarantine = own % 3 === 0 ? [item] : [];
  const received = readings.length + quarantine.length;
  return { source, gatewaySeq: own, readings, raw: Buffer.alloc(400, own), quarantine, received, replayOf };
}

async function lane(source: string): Promise<never> {
  let kept: string | undefined;
  for (;;) {
    const own = number++;
    const draft = draftOf(own, source, own % 5 === 0 ? kept : undefined);
    try {
      const { seq } = await journal.appendMessage(draft);
      say(`ack ${seq} ${own}`);
      if (isFailing) say('again');
      isFailing = false;
      if (draft.replayOf !== undefined) kept = undefined;
      if (draft.quarantine.length > 0) kept = draft.quarantine[0]!.id;
    } catch (error) {
      say(`fail ${(error as { code?: string }).code ?? error}`);
      isFailing = true;
      await pause(20);
    }
    if (own % 50 === 0) {
      const body = { name: `n${own}` };
      await journal
        .appendCommand('child', { verb: 'put', noun: 'statement', id: `s${own % 200}`, body })
        .catch(() => undefined);
    }
  }
}

await Promise.all(Array.from({ length: LANES }, (_, index) => lane(`g${index}`)));
