/**
 * What JSON.parse can't say about a payload: bare `NaN` and `Infinity`, which gateways do write, and names that stand
 * twice in one object, of which it silently keeps the last. Only asked when a payload gives reason to (../codecs/json.ts).
 */
import { NOT_FINITE } from './codec.ts';

// A string (to its end, or to the end of a broken text), a bracket or comma, or a bare word. Each alternative is linear.
const TOKEN = /("[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?$))|([{}[\],:])|([^\s"{}[\],:]+)/g;

/** The text with bare `NaN`, `NAN`, `-Infinity`, `Inf` … in quotation marks, so that each is refused as a value alone. */
export function withQuotedNonNumbers(text: string): string {
  return text.replace(TOKEN, (token, _string, _sign, word) =>
    word !== undefined && NOT_FINITE.test(word) ? `"${word}"` : token,
  );
}

/** How many members the text's objects have, at least: a colon after a string. Escaped quotation marks may add to it. */
export function countMembers(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    let next = at + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === 58) count++;
  }
  return count;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** A name that stands several times in one object. */
export interface Repeated {
  /** Keys and indices from the top down to the name itself. */
  path: (string | number)[];
  /** The text of each of its values, in their order. */
  values: string[];
}

interface Frame {
  /** Null in an array. */
  members: Map<string, string[]> | null;
  key: string | number;
  valueStart: number;
}

/** Deeper than anything that we read; what is below is looked through without being told. */
const DEPTH = 8;

/** The repeated names of a text that JSON.parse has taken. Linear, without recursion. */
export function repeatedNames(text: string): Repeated[] {
  const found: Repeated[] = [];
  const frames: Frame[] = [];
  const valueEnds = (end: number) => {
    const frame = frames.at(-1);
    if (frame?.members && frames.length <= DEPTH) {
      frame.members.getOrInsertComputed(String(frame.key), () => []).push(text.slice(frame.valueStart, end));
    }
  };
  let isKey = false;
  for (const { 0: token, 1: string, index } of text.matchAll(TOKEN)) {
    const frame = frames.at(-1);
    if (token === '{' || token === '[') {
      frames.push({ members: token === '{' ? new Map() : null, key: 0, valueStart: index + 1 });
      isKey = token === '{';
    } else if (token === '}' || token === ']') {
      const closed = frames.pop()!;
      found.push(...repeatsOf(closed, frames));
      valueEnds(index + 1);
      isKey = false;
    } else if (token === ',') {
      if (frame!.members === null) frame!.key = (frame!.key as number) + 1;
      isKey = frame!.members !== null;
    } else if (token === ':') {
      frame!.valueStart = index + 1;
    } else if (isKey && string !== undefined) {
      frame!.key = JSON.parse(string) as string;
      isKey = false;
    } else {
      valueEnds(index + token.length);
    }
  }
  return found;
}

function repeatsOf({ members }: Frame, above: readonly Frame[]): Repeated[] {
  if (members === null) return [];
  const repeats = [...members].filter(([, values]) => values.length > 1);
  return repeats.map(([name, values]) => ({
    path: [...above.map(({ key }) => key), name],
    values: values.map((value) => value.trim()),
  }));
}
