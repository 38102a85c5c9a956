/** Reports of SZY 206 and SL/T 427: values of the kind that C names, alarm and state of the station, and a stamp. */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import { beijingMs, twoDigits } from '../bcd.ts';
import type { Frame } from './frame.ts';
import { type Layout, layoutIn } from './layout.ts';
import { type Kind, qualitiesIn, type Value, valueOfKind, WIDTHS } from './quantities.ts';
import { type Edition, LENGTHS, stampOf } from './stamp.ts';

export const SELF_REPORT = 0xc0;
export const ALARM_REPORT = 0x81;
export const ANSWER_NOW = 0xb0;
export const ANSWER_STORED = 0xb1;

const [RAIN, LEVEL, FLOW, VELOCITY, QUALITY, COMPOSITE] = [0x1, 0x2, 0x3, 0x4, 0xa, 0xe];
/** Types of C whose values are all of one kind; what isn't here has no values (0, D) or an order of its own (3, A, E). */
const KIND_OF: Readonly<Record<number, Kind>> = {
  [RAIN]: 'rain',
  [LEVEL]: 'level',
  [VELOCITY]: 'velocity',
  5: 'gate',
  6: 'power',
  7: 'weather',
  8: 'weather',
  9: 'temp',
  11: 'soil',
  12: 'rain',
  15: 'pressure',
};
/** Kinds of stored values by the upper half of the first byte, as public readers of B1 have them. */
const STORED_KINDS: readonly (Kind | undefined)[] = [
  'rain',
  'level',
  'total',
  'velocity',
  'gate',
  'power',
  'weather',
  'weather',
  'temp',
  undefined,
  'soil',
  'pressure',
];
/** Bits of a composite's first byte, D0 first; D0 is a list of qualities. */
const COMPOSED: readonly (Kind | 'quality')[] = [
  'quality',
  'soil',
  'power',
  'weather',
  'gate',
  'flow',
  'level',
  'rain',
];
const WATER: ReadonlySet<Kind> = new Set(['flow', 'total']);
const WORDS = 4;

/** Values with the times of each; `note` where a time had to be completed. */
export interface Report {
  groups: { time: number | Fault; values: Value[] }[];
  note: string | null;
}

interface Context {
  frame: Frame;
  edition: Edition;
  device: Device;
  arrivalMs: number;
}

export function reportOf(context: Context): Report | Fault {
  const { frame, device } = context;
  const layout = layoutIn(device.layout);
  if (layout === null) return unsaid(context, `"${device.layout}" is no layout of SZY 206`);
  if (frame.afn === ANSWER_STORED) return stored(context, layout);
  const now = frame.afn === ANSWER_NOW ? unstamped(context, layout) : null;
  return now ?? stampedOf(context, layout) ?? unfit(context);
}

/** With the station's own length of a stamp, or the other edition's: whichever the values leave room for. */
function stampedOf(context: Context, layout: Layout): Report | Fault | null {
  const { data } = context.frame;
  for (const length of lengthsOf(context.edition)) {
    const read = cutsOf(context.frame, layout)
      .map(({ before, behind }) => [before, data.length - behind - length] as const)
      .map(([from, to]) => (to < from ? null : valuesIn(context, layout, data.subarray(from, to))))
      .filter((values) => values !== null);
    if (read.length === 0) continue;
    const sound = read.filter((values) => !('code' in values) && values.every(({ value }) => !isFault(value)));
    if (sound.length > 1)
      return unsaid(context, 'values may stand before the alarm word or behind it (`values` or `alarm`)');
    const values = sound[0] ?? read[0]!;
    return 'code' in values ? values : stamped(context, values, data.subarray(data.length - length));
  }
  return null;
}

const isFault = (value: number | null | Fault) => typeof value === 'object' && value !== null;

/** Where alarm and state of the station stand: behind the values; in alarm reports of some editions the alarm before them. */
function cutsOf({ afn }: Frame, { isAlarmFirst }: Layout): { before: number; behind: number }[] {
  const behind = { before: 0, behind: WORDS };
  if (afn !== ALARM_REPORT || isAlarmFirst === false) return [behind];
  const first = { before: WORDS / 2, behind: WORDS / 2 };
  return isAlarmFirst ? [first] : [behind, first];
}

/** The edition's own length of a stamp, then the other one: stations are renewed before their entries are. */
function lengthsOf(edition: Edition): number[] {
  return edition === 'szy206' ? [LENGTHS.szy206, LENGTHS.slt427] : [LENGTHS.slt427, LENGTHS.szy206];
}

function stamped({ arrivalMs }: Context, values: Value[], stamp: Uint8Array): Report {
  const time = stampOf(stamp, arrivalMs);
  const isPartial = stamp.length === LENGTHS.szy206 && typeof time === 'number';
  const note = 'The stamp has day and time only: month and year are those of the latest such day before the arrival';
  return { groups: [{ time, values }], note: isPartial ? `${note}.` : null };
}

/** The answer to a question for values of this moment needn't say when that is. */
function unstamped(context: Context, layout: Layout): Report | Fault | null {
  const { frame, arrivalMs } = context;
  const values = valuesIn(context, layout, frame.data);
  if (values === null || 'code' in values) return values;
  return {
    groups: [{ time: arrivalMs, values }],
    note: 'The answer has no stamp: its values are of the moment of their arrival.',
  };
}

/**
 * Values of the frame's type. @returns null where the bytes can't be of that type, a fault where they can be read in more
 * ways than one.
 */
function valuesIn(context: Context, layout: Layout, bytes: Uint8Array): Value[] | Fault | null {
  const { type } = context.frame;
  if (type === QUALITY) {
    const qualities = qualitiesIn(bytes);
    return qualities?.end === bytes.length ? qualities.values : null;
  }
  if (type === COMPOSITE) return compositeIn(context, layout, bytes);
  if (type === FLOW) return flowsIn(context, layout, bytes);
  const kind = KIND_OF[type];
  if (kind === undefined) return bytes.length === 0 ? [] : null;
  const count = bytes.length / WIDTHS[kind].bytes;
  // A second pair of bytes could as well be month and year of the stamp.
  const most = kind === 'temp' ? Math.max(1, layout.kinds.filter((one) => one === kind).length) : count;
  return Number.isInteger(count) && count > 0 && count <= most ? sequence(Array<Kind>(count).fill(kind), bytes) : null;
}

function flowsIn(context: Context, layout: Layout, bytes: Uint8Array): Value[] | Fault | null {
  const said = layout.kinds.filter((kind) => WATER.has(kind));
  if (said.length > 0) return lengthOf(said) === bytes.length ? sequence(said, bytes) : null;
  const count = bytes.length / WIDTHS.flow.bytes;
  if (!Number.isInteger(count) || count === 0) return null;
  if (count % 2 === 0) return unsaid(context, `${bytes.length} bytes are flow and total, or flows alone`);
  return sequence(Array<Kind>(count).fill('flow'), bytes);
}

/** The order of a composite is that of its bits; how many of a kind, and whether flow has a total, only the entry says. */
function compositeIn(context: Context, layout: Layout, bytes: Uint8Array): Value[] | Fault | null {
  const isSaid = layout.kinds.length > 0;
  if (context.edition === 'szy206' && !isSaid) {
    return unsaid(context, 'type E is rain in SZY 206-2016 and composite in SL/T 427-2021');
  }
  const bits = COMPOSED.filter((_, bit) => (bytes[0]! & (1 << bit)) !== 0);
  let at = 1;
  const values: Value[] = [];
  if (bits[0] === 'quality') {
    const qualities = qualitiesIn(bytes, at);
    if (!qualities) return null;
    values.push(...qualities.values);
    at = qualities.end;
  }
  const kinds = bits.filter((kind) => kind !== 'quality').flatMap((kind) => kindsFor(kind, layout));
  if (lengthOf(kinds) !== bytes.length - at) {
    return isSaid || !bits.includes('flow')
      ? null
      : unsaid(context, 'flow may stand alone, with a total, or several times');
  }
  return [...values, ...sequence(kinds, bytes, at)];
}

function kindsFor(kind: Kind, { kinds }: Layout): Kind[] {
  const said = kinds.filter((one) => (kind === 'flow' ? WATER.has(one) : one === kind));
  return said.length > 0 ? said : [kind];
}

const lengthOf = (kinds: readonly Kind[]) => kinds.reduce((sum, kind) => sum + WIDTHS[kind].bytes, 0);

/** Values one after the other; those of which there are several are numbered. */
function sequence(kinds: readonly Kind[], bytes: Uint8Array, from = 0): Value[] {
  const seen = new Map<Kind, number>();
  let at = from;
  return kinds.map((kind) => {
    const number = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, number);
    const isOne = kinds.indexOf(kind) === kinds.lastIndexOf(kind);
    const value = valueOfKind(kind, isOne ? kind : `${kind}${number}`, bytes, at);
    at += WIDTHS[kind].bytes;
    return value;
  });
}

/** Kind, first and last hour (hour, day, month, year), then values at the step that the station stores by, from the first on. */
function stored(context: Context, { stepMs }: Layout): Report | Fault {
  const { data } = context.frame;
  const kind = data.length < 9 ? undefined : STORED_KINDS[data[0]! >> 4];
  const [fromMs, toMs] = [hourAt(data, 1), hourAt(data, 5)];
  if (kind === undefined || fromMs === null || toMs === null) return unfit(context);
  const { bytes: width } = WIDTHS[kind];
  const count = (data.length - 9) / width;
  if (!Number.isInteger(count)) return unfit(context);
  if (stepMs === null) return unsaid(context, 'stored values have no step (`@PT1H`)');
  // The last hour is the last whole one, or the time of the last value.
  const fits = [toMs + HOUR_MS - fromMs, toMs - fromMs + stepMs].includes(count * stepMs);
  if (!fits)
    return unsaid(context, `${count} stored values don't fill the hours of the frame at the step of the entry`);
  const groups = Array.from({ length: count }, (_, index) => ({
    time: fromMs + index * stepMs,
    values: [valueOfKind(kind, kind, data, 9 + index * width)],
  }));
  return { groups, note: null };
}

const HOUR_MS = 3_600_000;

function hourAt(data: Uint8Array, at: number): number | null {
  const [hour, day, month, year] = [...data.subarray(at, at + 4)].map(twoDigits);
  return beijingMs(year!, month!, day!, hour!, 0);
}

function unsaid({ frame: { address } }: Context, why: string): Fault {
  return {
    code: 'layout.unknown',
    message: `${why}: say it in \`layout\` of device ${address}, such as \`flow+total\`.`,
  };
}

function unfit({ frame: { type, data }, device }: Context): Fault {
  const said = device.layout === undefined ? '' : ` with the layout ${device.layout}`;
  const message = `${data.length} bytes of data are no report of type ${type.toString(16).toUpperCase()}${said}.`;
  return { code: 'message.malformed', message };
}
