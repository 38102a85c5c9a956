/**
 * A rule as a form: its common members one by one, the others as JSON text. What a field can't express stays in the
 * text, so that nothing of a rule is lost by being shown and put back.
 */
import type { Fault } from '../core/api.ts';
import type { Word } from '../core/words.ts';

export interface Field {
  /** Of the member in the rule: `clear.margin`. */
  path: string;
  label: Word;
  entry: 'text' | 'number' | 'pair' | 'duration' | 'list' | 'switch' | 'choice';
  options?: readonly string[];
  isRequired?: boolean;
}

const SEVERITIES = ['minor', 'major', 'critical'];
const TARGETS = ['station', 'I', 'II', 'III', 'IV', 'V'];
const CONCERNS = ['water', 'sensor'];

const severity: Field = { path: 'severity', label: 'severity', entry: 'choice', options: SEVERITIES };
const parameters: Field = { path: 'parameters', label: 'parameters', entry: 'list' };
const theseParameters: Field = { ...parameters, isRequired: true };
const target: Field = { path: 'target', label: 'target', entry: 'choice', options: TARGETS };
const minSamples: Field = { path: 'minSamples', label: 'minSamples', entry: 'number' };
const unit: Field = { path: 'unit', label: 'unit', entry: 'text' };
const limit: Field = { path: 'limit', label: 'limit', entry: 'number', isRequired: true };
const over: Field = { path: 'over', label: 'over', entry: 'duration' };
const concerns: Field = { path: 'concerns', label: 'concerns', entry: 'choice', options: CONCERNS };
const lasting: Field = { path: 'for', label: 'lasting', entry: 'duration' };
const latch: Field = { path: 'latch', label: 'latch', entry: 'switch' };
const clearFor: Field = { path: 'clear.for', label: 'clearFor', entry: 'duration' };
const keepFiringFor: Field = { path: 'keepFiringFor', label: 'keepFiringFor', entry: 'duration' };
const holding: readonly Field[] = [
  lasting,
  { path: 'clear.margin', label: 'clearMargin', entry: 'number' },
  clearFor,
  keepFiringFor,
  latch,
];
const period = (...options: string[]): Field => ({
  path: 'period',
  label: 'period',
  entry: 'choice',
  options,
  isRequired: true,
});
const periods: Field = { path: 'periods', label: 'periodsInARow', entry: 'number' };
const anyPeriod = period('hour', 'day', 'month');
const number = (path: string, label: Word, isRequired = false): Field => ({ path, label, entry: 'number', isRequired });

const WHERE: readonly Field[] = [
  { path: 'select.stations', label: 'stations', entry: 'list' },
  { path: 'select.areas', label: 'areas', entry: 'list' },
  { path: 'select.rivers', label: 'rivers', entry: 'list' },
];
const LAST: readonly Field[] = [
  { path: 'reAlarmAfter', label: 'reAlarmAfter', entry: 'duration' },
  { path: 'enabled', label: 'enabled', entry: 'switch' },
];

/** What is told of a kind by fields, besides where it looks; the order is the form's. */
const OF_KIND = {
  class: [parameters, target, severity, minSamples, ...holding],
  threshold: [
    theseParameters,
    { path: 'above', label: 'above', entry: 'number' },
    { path: 'below', label: 'below', entry: 'number' },
    { path: 'outside', label: 'outside', entry: 'pair' },
    unit,
    severity,
    minSamples,
    ...holding,
  ],
  rate: [
    theseParameters,
    { path: 'direction', label: 'direction', entry: 'choice', options: ['rising', 'falling', 'either'] },
    { ...limit, label: 'limitPerHour' },
    unit,
    over,
    severity,
    minSamples,
    concerns,
    ...holding,
  ],
  'flat-line': [
    theseParameters,
    number('tolerance', 'tolerance', true),
    unit,
    { ...over, isRequired: true },
    severity,
    minSamples,
    concerns,
    ...holding,
  ],
  expression: [
    { path: 'when', label: 'when', entry: 'text', isRequired: true },
    { path: 'clear.when', label: 'clearWhen', entry: 'text' },
    severity,
    minSamples,
    lasting,
    clearFor,
    keepFiringFor,
    latch,
  ],
  quality: [parameters, severity, minSamples, ...holding],
  missing: [parameters, severity, lasting],
  assessed: [parameters, period('day', 'month'), target, severity, latch],
  'volume-balance': [
    anyPeriod,
    number('maxLossShare', 'maxLossShare', true),
    number('minLossShare', 'minLossShare'),
    number('minIntake', 'minIntake'),
    periods,
    { path: 'shift', label: 'shift', entry: 'choice', options: ['travel', 'none'] },
    severity,
    latch,
  ],
  'meter-disagreement': [
    anyPeriod,
    number('maxShare', 'maxShare', true),
    number('minDifference', 'minDifference'),
    periods,
    severity,
    latch,
  ],
} as const satisfies Record<string, readonly Field[]>;

export type Kind = keyof typeof OF_KIND;
export const KINDS = Object.keys(OF_KIND) as Kind[];
export const isKind = (text: string | null): text is Kind => KINDS.some((kind) => kind === text);

/** A kind that a newer service knows has what all kinds have. */
export const fieldsOf = (kind: string): readonly Field[] => [
  ...WHERE,
  ...(isKind(kind) ? OF_KIND[kind] : [severity]),
  ...LAST,
];

export type Members = Record<string, unknown>;

export interface Draft {
  kind: string;
  /** What stands in the fields, by path. */
  entries: Readonly<Record<string, string>>;
  /** The other members, as JSON. */
  rest: string;
}

export const emptyDraft = (kind: Kind): Draft => ({ kind, entries: { enabled: 'true', severity: 'minor' }, rest: '' });

/** @param rule as the service answers it. */
export function toDraft({ id: _id, kind, says: _says, ...members }: Members): Draft {
  const rest = asBreach(structuredClone(members), String(kind));
  const entries: Record<string, string> = {};
  for (const field of fieldsOf(String(kind))) {
    const [holder, name] = holderOf(rest, field.path) ?? [];
    const entry = holder && name !== undefined ? toEntry(field, holder[name]) : null;
    if (entry === null) continue;
    entries[field.path] = entry;
    delete holder![name!];
  }
  for (const [name, value] of Object.entries(rest)) if (isMembers(value) && isEmpty(value)) delete rest[name];
  return { kind: String(kind), entries, rest: isEmpty(rest) ? '' : JSON.stringify(rest, null, 2) };
}

const BREACHES: Readonly<Record<string, string>> = { '<=': 'above', '>=': 'below' };

/** A threshold that says what must hold says the breach instead, where that says the same. */
function asBreach(members: Members, kind: string): Members {
  const { op, limit, ...others } = members;
  const name = kind === 'threshold' ? BREACHES[String(op)] : undefined;
  return name === undefined || typeof limit !== 'number' ? members : { [name]: limit, ...others };
}

/** What to send; `faults` are about what isn't worth sending. */
export function toRule({ kind, entries, rest }: Draft): { rule: Members; faults: Fault[] } {
  const faults: Fault[] = [];
  const members = parseRest(rest);
  if (members === null) faults.push({ path: REST, message: 'notJson' });
  const rule: Members = { kind, ...members };
  for (const field of fieldsOf(kind)) {
    const entry = entries[field.path]?.trim() ?? '';
    if (entry === '') continue;
    const value = fromEntry(field, entry);
    const [holder, name] = holderOf(rule, field.path, true) ?? [];
    if (value === null) faults.push({ path: field.path, message: 'notNumber' });
    else if (!holder || name! in holder) faults.push({ path: field.path, message: 'saidTwice' });
    else holder[name!] = value;
  }
  return { rule, faults };
}

/** Where faults about the JSON text stand. */
export const REST = '';

/**
 * Faults about one field, or about what no field is about (`REST`). The service names `rule.limit` where the rule is
 * part of what was sent.
 */
export function faultsAt(path: string, faults: readonly Fault[], kind: string): Fault[] {
  const of = (fault: Fault) => fault.path.replace(/^rule\./, '');
  const isAbout = (fault: Fault, at: string) =>
    of(fault) === at || of(fault).startsWith(`${at}.`) || of(fault).startsWith(`${at}[`);
  if (path !== REST) return faults.filter((fault) => isAbout(fault, path));
  return faults.filter((fault) => !fieldsOf(kind).some((field) => isAbout(fault, field.path)));
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmpty = (members: Members): boolean => Object.keys(members).length === 0;

function parseRest(text: string): Members | null {
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return isMembers(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** The object in which a path ends, and the name there. @param makes objects on the way are made. */
function holderOf(members: Members, path: string, makes = false): [Members, string] | null {
  const [first = '', second] = path.split('.');
  if (second === undefined) return [members, first];
  if (makes) members[first] ??= {};
  const holder = members[first];
  return isMembers(holder) ? [holder, second] : null;
}

/** null: the field can't express it. */
function toEntry({ entry, options }: Field, value: unknown): string | null {
  switch (entry) {
    case 'number':
      return typeof value === 'number' ? String(value) : null;
    case 'switch':
      return typeof value === 'boolean' ? String(value) : null;
    case 'choice':
      return typeof value === 'string' && options?.includes(value) ? value : null;
    case 'pair':
      return isPair(value) ? value.join(', ') : null;
    case 'list':
      return Array.isArray(value) && value.length > 0 && value.every(isListed) ? value.join(', ') : null;
    case 'text':
    case 'duration':
      return typeof value === 'string' && value !== '' && value === value.trim() ? value : null;
  }
}

const isPair = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number');
const isListed = (one: unknown): boolean => typeof one === 'string' && /^[^\s,，、]+( [^\s,，、]+)*$/.test(one);

/** null: it is no number, or no pair of them. */
function fromEntry({ entry }: Field, text: string): unknown {
  if (entry === 'number') return Number.isFinite(Number(text)) ? Number(text) : null;
  if (entry === 'switch') return text === 'true';
  if (entry !== 'list' && entry !== 'pair') return text;
  const parts = text
    .split(/[,，、]/)
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (entry === 'list') return parts;
  const numbers = parts.map(Number);
  return isPair(numbers) && numbers.every(Number.isFinite) ? numbers : null;
}
