/**
 * The grammar of rules of kind `expression`, our own and small: numbers, parameter ids, + − * /, comparisons, and, or,
 * not, abs, min, max. A text is parsed once into plain data and then only walked; it can name nothing but parameters, so
 * no rule can depend on another one, and cycles of rules can't arise. What is not known stays unknown: `or` is true when
 * one side is, `and` false when one side is, whatever the other (Kleene's logic).
 *
 *   any   = each { "or" each }            each = not { "and" not }        not  = "not" not | test
 *   test  = sum [ ("<" | "<=" | ">" | ">=" | "=" | "!=") sum ]            sum  = term { ("+" | "-") term }
 *   term  = sign { ("*" | "/") sign }     sign = "-" sign | base
 *   base  = number | parameter | ("abs" | "min" | "max") "(" sum { "," sum } ")" | "(" any ")"
 */
import { settled } from '#model/decimal.ts';

const COMPARISONS = ['<=', '>=', '!=', '<', '>', '='] as const;
type Comparison = (typeof COMPARISONS)[number];
const FUNCTIONS = ['abs', 'min', 'max'] as const;
type FunctionName = (typeof FUNCTIONS)[number];
const WORDS: ReadonlySet<string> = new Set<string>(['and', 'or', 'not', ...FUNCTIONS]);
const DEPTH_MAX = 50;

type Sum =
  | { kind: 'number'; value: number }
  | { kind: 'parameter'; id: string }
  | { kind: '+' | '-' | '*' | '/'; left: Sum; right: Sum }
  | { kind: 'negative'; of: Sum }
  | { kind: FunctionName; of: Sum[] };

/** What is true, false or unknown about the newest values of parameters. Plain data. */
export type Expression =
  | { kind: 'test'; op: Comparison; left: Sum; right: Sum }
  | { kind: 'and' | 'or'; of: Expression[] }
  | { kind: 'not'; of: Expression };

/** Why a text is no expression, and at which character (from 1). */
export class ExpressionError extends Error {
  readonly at: number;
  constructor(at: number, reason: string) {
    super(`at character ${at}: ${reason}`);
    this.at = at;
  }
}

interface Token {
  kind: 'number' | 'name' | 'sign' | 'end';
  text: string;
  at: number;
}

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_][\w.]*)|(<=|>=|!=|[<>=+\-*/(),−]))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      const at = from + /^\s*/.exec(text.slice(from))![0].length;
      if (at < text.length) throw new ExpressionError(at + 1, `"${text[at]}" is not understood`);
      tokens.push({ kind: 'end', text: 'the end', at: at + 1 });
      return tokens;
    }
    const [, number, name, sign] = match;
    const word = number ?? name ?? sign!;
    const kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign';
    tokens.push({ kind, text: word === '−' ? '-' : word, at: TOKEN.lastIndex - word.length + 1 });
  }
}

type Node = { type: 'number'; node: Sum } | { type: 'truth'; node: Expression };

/**
 * The expression of a text.
 * @throws ExpressionError naming the character and the reason.
 */
export function parseExpression(text: string): Expression {
  const parser = createParser(tokensOf(text));
  const whole = parser.any();
  parser.end();
  return whole;
}

/** Not split: the rules of one grammar over one place in the text, one short function each. */
function createParser(tokens: readonly Token[]) {
  let place = 0;
  let depth = 0;
  const peek = () => tokens[place]!;
  const next = () => tokens[place++]!;
  const takes = (...texts: string[]) => texts.includes(peek().text) && peek().kind !== 'end';

  function expect(text: string): void {
    const token = next();
    if (token.text !== text) throw new ExpressionError(token.at, `expected "${text}" before "${token.text}"`);
  }

  function truth({ type, node }: Node, at: number): Expression {
    if (type === 'truth') return node;
    throw new ExpressionError(at, 'a comparison such as "do < 5" is needed here, not a number');
  }

  function number({ type, node }: Node, at: number): Sum {
    if (type === 'number') return node;
    throw new ExpressionError(at, 'a number is needed here, not a comparison');
  }

  function chain(word: 'and' | 'or', part: () => Node): Node {
    const { at } = peek();
    const first = part();
    if (!takes(word)) return first;
    const of = [truth(first, at)];
    while (takes(word)) {
      next();
      const from = peek().at;
      of.push(truth(part(), from));
    }
    return { type: 'truth', node: { kind: word, of } };
  }

  const any = (): Node => chain('or', each);
  const each = (): Node => chain('and', not);

  function not(): Node {
    if (!takes('not')) return test();
    next();
    const { at } = peek();
    return nested(() => ({ type: 'truth', node: { kind: 'not', of: truth(not(), at) } }));
  }

  function test(): Node {
    const { at } = peek();
    const left = sum();
    const op = COMPARISONS.find((candidate) => takes(candidate));
    if (op === undefined) return left;
    next();
    const from = peek().at;
    return { type: 'truth', node: { kind: 'test', op, left: number(left, at), right: number(sum(), from) } };
  }

  function binary(signs: ('+' | '-' | '*' | '/')[], part: () => Node): Node {
    const { at } = peek();
    let left = part();
    for (let op = signs.find((sign) => takes(sign)); op !== undefined; op = signs.find((sign) => takes(sign))) {
      next();
      const from = peek().at;
      left = { type: 'number', node: { kind: op, left: number(left, at), right: number(part(), from) } };
    }
    return left;
  }

  const sum = (): Node => binary(['+', '-'], term);
  const term = (): Node => binary(['*', '/'], sign);

  function sign(): Node {
    if (!takes('-')) return base();
    next();
    const { at } = peek();
    return nested(() => ({ type: 'number', node: { kind: 'negative', of: number(sign(), at) } }));
  }

  function base(): Node {
    const token = next();
    if (token.kind === 'number') return { type: 'number', node: { kind: 'number', value: Number(token.text) } };
    if (token.kind === 'name') {
      const name = FUNCTIONS.find((candidate) => candidate === token.text);
      if (name !== undefined) return { type: 'number', node: { kind: name, of: given(name) } };
      if (!WORDS.has(token.text)) return { type: 'number', node: { kind: 'parameter', id: token.text } };
    }
    if (token.text !== '(')
      throw new ExpressionError(token.at, `expected a number or a parameter, not "${token.text}"`);
    const inner = nested(any);
    expect(')');
    return inner;
  }

  function given(name: FunctionName): Sum[] {
    const { at } = peek();
    expect('(');
    const of: Sum[] = [];
    do {
      if (of.length > 0) next();
      const from = peek().at;
      of.push(number(nested(sum), from));
    } while (takes(','));
    expect(')');
    const isWrong = name === 'abs' ? of.length !== 1 : of.length < 2;
    if (isWrong) throw new ExpressionError(at, `${name} takes ${name === 'abs' ? 'one value' : 'two or more values'}`);
    return of;
  }

  function nested<T>(part: () => T): T {
    if (++depth > DEPTH_MAX) throw new ExpressionError(peek().at, `nested more than ${DEPTH_MAX} deep`);
    const made = part();
    depth--;
    return made;
  }

  return {
    any: () => truth(any(), 1),
    end() {
      const token = peek();
      if (token.kind !== 'end') throw new ExpressionError(token.at, `"${token.text}" is not expected here`);
    },
  };
}

/** The parameters that an expression names, each once, in their order, with the character of the first mention. */
export function parametersNamed(text: string): { id: string; at: number }[] {
  const named = new Map<string, number>();
  for (const { kind, text: word, at } of tokensOf(text)) {
    if (kind === 'name' && !WORDS.has(word) && !named.has(word)) named.set(word, at);
  }
  return [...named].map(([id, at]) => ({ id, at }));
}

/** @param newest the newest value of a parameter in its canonical unit; null when there is none. */
export function isTrue(expression: Expression, newest: (parameter: string) => number | null): boolean | null {
  switch (expression.kind) {
    case 'not': {
      const inner = isTrue(expression.of, newest);
      return inner === null ? null : !inner;
    }
    case 'and':
    case 'or': {
      const decides = expression.kind === 'or';
      let isUnknown = false;
      for (const part of expression.of) {
        const one = isTrue(part, newest);
        if (one === decides) return decides;
        if (one === null) isUnknown = true;
      }
      return isUnknown ? null : !decides;
    }
    case 'test': {
      const left = numberOf(expression.left, newest);
      const right = numberOf(expression.right, newest);
      return left === null || right === null ? null : compares(expression.op, settled(left), settled(right));
    }
  }
}

function compares(op: Comparison, left: number, right: number): boolean {
  switch (op) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '=':
      return left === right;
    case '!=':
      return left !== right;
  }
}

/** Unknown, too, is what can't be computed: a division by zero, or what is too great for a number. */
function numberOf(sum: Sum, newest: (parameter: string) => number | null): number | null {
  switch (sum.kind) {
    case 'number':
      return finite(sum.value);
    case 'parameter':
      return newest(sum.id);
    case 'negative': {
      const inner = numberOf(sum.of, newest);
      return inner === null ? null : -inner;
    }
    case 'abs':
    case 'min':
    case 'max': {
      const values = sum.of.map((one) => numberOf(one, newest));
      return values.includes(null) ? null : Math[sum.kind](...(values as [number]));
    }
    default: {
      const left = numberOf(sum.left, newest);
      const right = numberOf(sum.right, newest);
      return left === null || right === null ? null : finite(calculated(sum.kind, left, right));
    }
  }
}

function calculated(kind: '+' | '-' | '*' | '/', left: number, right: number): number {
  switch (kind) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
