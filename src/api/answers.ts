/** Answers are written in turns of the event loop: a megabyte of JSON at once would hold the main thread up. */

import type { Api } from './api.ts';
import { inOwnTurn, inTurns } from './turns.ts';

/** Lists of more items are written in turns; shorter ones are quick to write, whatever is in them. */
const LONG = 100;
/** Characters of a text that is put into bytes in a turn of its own. */
const LARGE = 1 << 20;

/** An answer that is text already. */
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Answers are checked against their schemas by tests; serving them costs no second walk over ten thousand items. */
export function writeAnswers(api: Api): void {
  api.setSerializerCompiler(() => writtenText);
  // A status that isn't described has no serializer of ours.
  api.addHook('preSerialization', async (request, _reply, answer) =>
    request.routeOptions.schema?.response && isLong(answer) ? new Written(await textOf(answer)) : answer,
  );
  api.addHook('onSend', async (_request, _reply, payload) =>
    typeof payload === 'string' && payload.length > LARGE ? inOwnTurn(() => Buffer.from(payload)) : payload,
  );
}

/** An answer that was written elsewhere. @param json of the whole of it. */
export function written<T>(json: string): T {
  return new Written(json) as T;
}

export function writtenText(answer: unknown): string {
  return answer instanceof Written ? answer.text : JSON.stringify(answer);
}

function isLong(answer: unknown): answer is object {
  if (typeof answer !== 'object' || answer === null) return false;
  return [answer, ...Object.values(answer)].some((one) => Array.isArray(one) && one.length > LONG);
}

/** What JSON.stringify makes of an object or list, item by item of its lists. */
async function textOf(answer: object): Promise<string> {
  if (Array.isArray(answer)) {
    const items = await inTurns(answer, (item) => JSON.stringify(item) ?? 'null');
    return `[${items.join(',')}]`;
  }
  const members: string[] = [];
  for (const [name, value] of Object.entries(answer)) {
    const text = Array.isArray(value) ? await textOf(value) : JSON.stringify(value);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}
