/** Bodies are checked on the main thread, so that there is a limit to what may be in one and to how much can be wrong with it. */
import type { z } from 'zod';
import type { Api } from './api.ts';
import { fromZod, Problem } from './problems.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** At most so many numbers, texts and the like in a JSON body, where it isn't `BODY_VALUES_MAX`. */
    bodyValues?: number;
  }
}

const BODY_VALUES_MAX = 12_000;
/** Nobody mends more of them at once, and each takes longer to say than a right value takes to check. */
const MISTAKES_MAX = 100;

export function limitBodies(api: Api): void {
  api.addHook('preValidation', async ({ body, routeOptions }) => {
    const max = routeOptions.config.bodyValues ?? BODY_VALUES_MAX;
    if (hasMoreThan(max, body)) throw new Problem('request.invalid', `The body has more than ${max} values.`);
  });
}

/** Whatever is no plain object or list is one value, however large. */
function hasMoreThan(max: number, body: unknown): boolean {
  const open: unknown[] = [body];
  for (let count = 1; open.length > 0; ) {
    const inner = innerOf(open.pop());
    count += inner.length;
    if (count > max) return true;
    for (const one of inner) open.push(one);
  }
  return false;
}

function innerOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.values(value) : [];
}

class TooManyMistakes extends Error {}

/** What the schema makes of the data, or the Problem; beyond a hundred mistakes checking ends. */
export function checked(schema: z.ZodType, data: unknown): { value: unknown } | { error: Problem } {
  let mistakes = 0;
  // Asked for the text of each mistake, those of unions' alternatives while they are being checked.
  const error = () => {
    mistakes += 1;
    if (mistakes > MISTAKES_MAX) throw new TooManyMistakes();
    return undefined;
  };
  try {
    const result = schema.safeParse(data, { error });
    return result.success ? { value: result.data } : { error: fromZod(result.error) };
  } catch (thrown) {
    if (!(thrown instanceof TooManyMistakes)) throw thrown;
    return { error: new Problem('request.invalid', `There are more than ${MISTAKES_MAX} mistakes.`) };
  }
}

/** Deeper than anything that we read; hundreds of thousands of brackets would cost more than a message of readings. */
const NESTED_MAX = 64;
export const TOO_DEEP = `The JSON is nested more than ${NESTED_MAX} deep.`;

/** Whether a text, JSON or not, opens more brackets than `NESTED_MAX` without closing them. Those in strings don't count. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN_OBJECT) depth++;
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
    if (depth > NESTED_MAX) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125];

/** The quotation mark that ends the string which begins here, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}
