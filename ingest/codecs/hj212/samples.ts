/**
 * Frames → samples. Real time, and means of minutes and hours, are readings; smallest, largest and summed values are not
 * (a sum of minutes and one of the hour hold the same water). What an instrument made of a known sample is no water.
 */
import type { Hj212Dialect, QcKind } from '#model/dialect.ts';
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import { NUMBER, type Sample, type Sender, type SentControl, shortened } from '../codec.ts';
import { type Area, type Factor, stampMs } from './area.ts';
import { unitOf } from './units.ts';

const HOUR_MS = 3_600_000;
/** How long the means of a command are taken over; those of minutes usually 10 (CN 1063). */
const PERIODS_MS: Readonly<Record<string, number>> = { '2051': 600_000, '2061': HOUR_MS, '2031': 24 * HOUR_MS };
const USUAL: readonly string[] = ['2011', '2051', '2061'];

/** Of surface-water stations (HJ 1404-2024 and its predecessor). */
const CONTROLS: Readonly<Record<string, QcKind>> = {
  '2062': 'standard',
  '2063': 'recovery',
  '2064': 'parallel',
  '2065': 'zero',
  '2066': 'span',
};
/** Letters of a regional variant, which sends such results among ordinary means. */
const CONTROL_LETTERS: Readonly<Record<string, QcKind>> = { sc: 'standard', cz: 'zero', cs: 'span' };
/** Systems (table 5) whose old numeric codes are those of air, noise and the like: 023 is no water there. */
const NOT_WATER = ['22', '23', '25', '27', '31', '35', '36', '37', '38', '39', '41', '51'];

export type StationDialect = Hj212Dialect & { isEndStamped: boolean };

/** One frame as far as it matters for its values. */
export interface Frame {
  cn: string;
  st: string;
  station: string;
  device: Device | undefined;
  area: Area;
  /** The frame's own time, or that of the part of its message that has one. */
  dataTime: string | null;
  isPart: boolean;
  /** What counts at the station. */
  dialect: StationDialect;
}

/** What counts at the station: its own dialect, member by member before its gateway's. */
export function hj212Dialect(sender: Sender, station: string): StationDialect {
  const own = sender.dialectOf?.(station);
  const stamps = own?.stamps ?? sender.gateway?.dialect?.stamps;
  return { ...sender.gateway?.dialect?.hj212, ...own?.hj212, isEndStamped: stamps === 'end' };
}

export function isSurfaceWater({ commands }: Hj212Dialect, st: string | null): boolean {
  return commands === undefined ? st === '21' : commands === 'surface-water';
}

/** The kind of quality control that a command reports; undefined for others. */
function controlOf(cn: string, isSurface: boolean): QcKind | undefined {
  if (isSurface) return CONTROLS[cn];
  return cn === '2062' ? 'calibration' : undefined;
}

/**
 * @param index place of the frame in the payload
 * @returns the frame's samples, none for one that holds no readings, with what is to be said of that.
 */
export function samplesOf(frame: Frame, sender: Sender, index: number): { samples: Sample[]; notes: Fault[] } {
  const { dialect } = frame;
  const isSurface = isSurfaceWater(dialect, frame.st);
  const control = controlOf(frame.cn, isSurface);
  const isReading = frame.cn === '2011' || Object.hasOwn(PERIODS_MS, frame.cn);
  if (control === undefined && !isReading) return { samples: [], notes: [noReadings(frame)] };
  if (isReading && !(dialect.readings ?? USUAL).includes(frame.cn as never)) {
    return { samples: [], notes: [leftOut(frame.cn, dialect)] };
  }
  const maker = new SampleMaker(frame, sender, isSurface);
  for (const factor of frame.area.factors.values()) maker.add(factor, control);
  const { samples } = maker;
  for (const sample of samples) sample.index = index;
  return { samples, notes: samples.length === 0 ? [noReadings(frame)] : [] };
}

class SampleMaker {
  readonly samples: Sample[] = [];
  readonly #frame: Frame;
  readonly #sender: Sender;
  readonly #dialect: StationDialect;
  readonly #isSurface: boolean;
  readonly #time: number | Fault;
  /** By time: what was measured at one instant is one sample. */
  readonly #ofTime = new Map<unknown, Sample>();

  constructor(frame: Frame, sender: Sender, isSurface: boolean) {
    this.#frame = frame;
    this.#sender = sender;
    this.#dialect = frame.dialect;
    this.#isSurface = isSurface;
    this.#time = timeOf(frame);
  }

  add(factor: Factor, control: QcKind | undefined): void {
    const { code, flag, others } = factor;
    const { elements } = this.#frame.device ?? {};
    if (others !== undefined && elements !== undefined) this.#addNamed(factor, others, elements);
    const element = elements?.[code];
    if (element === null) return;
    const kind = control ?? this.#letterOf(flag);
    const text = kind === undefined ? textOfReading(factor, this.#frame.cn) : textOfControl(factor);
    if (text === null) return;
    const unit = element ? element.unit : unitOf(code, this.#isSurface, this.#dialect.traceUnits);
    const name = element ? code : this.#nameOf(code);
    if (typeof unit === 'object') {
      this.#refuse(name, toValue(text, flag, undefined), unit);
      return;
    }
    const value = toValue(text, flag ?? this.#frame.area.flag ?? undefined, unit);
    const sample = kind === undefined ? this.#put(name, factor, value) : this.#putControl(name, factor, value, kind);
    if (element) means(sample, name, element.parameter);
  }

  /** Fields that the entry names: a running total in `-Cou`, say. */
  #addNamed(factor: Factor, others: ReadonlyMap<string, string>, elements: NonNullable<Device['elements']>): void {
    for (const [field, text] of others) {
      const name = `${factor.code}-${field}`;
      const element = elements[name];
      if (element) means(this.#put(name, factor, toValue(text, factor.flag, element.unit)), name, element.parameter);
    }
  }

  /** A letter that says "no water" here, unless somebody has explained it otherwise. */
  #letterOf(flag = this.#frame.area.flag): QcKind | undefined {
    if (flag === undefined || flag === null) return undefined;
    const { qc } = this.#dialect;
    if (qc && Object.hasOwn(qc, flag)) return qc[flag];
    if (!Object.hasOwn(CONTROL_LETTERS, flag)) return undefined;
    const explained = [this.#sender.dialectOf?.(this.#frame.station)?.letters, this.#sender.gateway?.dialect?.letters];
    if (explained.some((letters) => letters && Object.hasOwn(letters, flag))) return undefined;
    return CONTROL_LETTERS[flag];
  }

  #nameOf(code: string): string {
    return /^\d+$/.test(code) && NOT_WATER.includes(this.#frame.st) ? `ST${this.#frame.st}/${code}` : code;
  }

  #put(name: string, factor: Factor, value: unknown): Sample {
    const { repeated } = factor;
    if (repeated) {
      const [first, second] = repeated.values.map((text) => shortened(text, 32));
      const message = `${shortened(`${factor.code}-${repeated.field}`)} stands twice: ${first}, ${second}.`;
      return this.#refuse(name, value, { code: 'name.repeated', message });
    }
    const time = this.#timeOf(factor);
    const key = typeof time === 'object' ? time.message : time;
    const known = this.#ofTime.get(key);
    if (known && !Object.hasOwn(known.values!, name)) {
      (known.values as Record<string, unknown>)[name] = value;
      return known;
    }
    const sample = this.#sample(name, value, time);
    const period = typeof time === 'number' ? this.#periodAt(time) : null;
    if (period) sample.period = period;
    this.#ofTime.set(key, sample);
    return sample;
  }

  #putControl(name: string, factor: Factor, value: unknown, kind: QcKind): Sample {
    const { others } = factor;
    const numberIn = (field: string) => {
      const text = others?.get(field);
      return text === undefined ? undefined : toNumber(text);
    };
    const control: SentControl = {
      kind,
      standard: numberIn('StandardValue') ?? numberIn('SpanValue'),
      water: numberIn('Water'),
      waterMs: stampMs(others?.get('WaterTime') ?? ''),
    };
    const sample = this.#sample(name, value, this.#time);
    sample.control = control;
    return sample;
  }

  #refuse(name: string, value: unknown, fault: Fault): Sample {
    return this.#sample(name, value, fault);
  }

  #sample(name: string, value: unknown, time: number | Fault): Sample {
    const fault = typeof time === 'object' ? time : null;
    const { station } = this.#frame;
    // An own member even for `__proto__`.
    const values = Object.fromEntries([[name, value]]);
    const sample: Sample = { station, time: fault ? undefined : time, values, index: 0, fault, sent: null };
    this.samples.push(sample);
    return sample;
  }

  /** When an analyser took its water is the time of what it found: repeated in every message until the next is analysed. */
  #timeOf({ sampleTime }: Factor): number | Fault {
    if (this.#frame.cn !== '2011' || sampleTime === undefined || sampleTime === '') return this.#time;
    return stampMs(sampleTime) ?? notATime('SampleTime', sampleTime);
  }

  #periodAt(timeMs: number): Sample['period'] | null {
    const lengthMs = PERIODS_MS[this.#frame.cn];
    // What the entry lists is taken as it is.
    if (lengthMs === undefined || this.#dialect.readings !== undefined) return null;
    const fromMs = this.#dialect.isEndStamped ? timeMs - lengthMs : timeMs;
    return { fromMs, toMs: fromMs + lengthMs };
  }
}

function means(sample: Sample, name: string, parameter: string): void {
  sample.means = { ...sample.means, [name]: parameter };
}

function timeOf({ dataTime, isPart }: Frame): number | Fault {
  if (dataTime !== null) return stampMs(dataTime) ?? notATime('DataTime', dataTime);
  if (!isPart) return { code: 'sample.malformed', message: 'The frame has no DataTime.' };
  const message = 'This part has no DataTime, and the part of the message that has it did not come with it.';
  return { code: 'message.incomplete', message: `${message} Send the parts of a message in one payload.` };
}

function notATime(field: string, text: string): Fault {
  const message = `${field} "${shortened(text)}" is no time of 14 digits (YYYYMMDDhhmmss).`;
  return { code: 'time.malformed', message };
}

/** The text of what is a reading in this frame; null where there is none. A letter alone says that nothing was measured. */
function textOfReading({ rtd, avg, flag, others }: Factor, cn: string): string | null {
  const text = cn === '2011' ? rtd : (avg ?? rtd);
  if (text !== undefined) return text;
  return flag !== undefined && avg === undefined && rtd === undefined && others === undefined ? '' : null;
}

function textOfControl({ rtd, avg, others }: Factor): string | null {
  return others?.get('Check') ?? avg ?? rtd ?? others?.get('Value') ?? null;
}

const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/**
 * `12.34` at once: digits of at most 15 places are a whole number that a double holds, and its quotient by a power of ten
 * that it holds as well is the nearest double, as `Number` gives it. NaN for any other text.
 */
function plainNumber(text: string): number {
  if (text.length > 16) return Number.NaN;
  let digits = 0;
  let places = -1;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char >= 0x30 && char <= 0x39) {
      digits = digits * 10 + (char - 0x30);
      if (places >= 0) places++;
    } else if (char === 0x2e && places < 0 && at > 0) places = 0;
    else return Number.NaN;
  }
  if (digits > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return places > 0 ? digits / POWERS[places]! : digits;
}

function toNumber(text: string): number | string | null {
  if (text === '') return null;
  const plain = plainNumber(text);
  if (!Number.isNaN(plain)) return plain;
  return NUMBER.test(text) ? Number(text) : text;
}

function toValue(text: string, flag: string | undefined, unit: string | undefined): unknown {
  const value = toNumber(text);
  const hasFlag = flag !== undefined && flag !== '';
  if (unit !== undefined) return hasFlag ? { value, unit, flag } : { value, unit };
  return hasFlag ? { value, flag } : value;
}

const NOTE_LENGTH = 160;

function noReadings({ cn, area }: Frame): Fault {
  const infos = [...area.factors.values()].flatMap(({ others }) => others?.get('Info') ?? []);
  const said = infos.map((info) => info.replace(/^\/\/|\/\/$/g, '')).filter((info) => info !== '');
  const shown = said.length === 0 ? '' : `: ${shortened(said.join(', '), NOTE_LENGTH)}`;
  return { code: 'message.no-readings', message: `CN ${shortened(cn)} holds no readings${shown}.` };
}

function leftOut(cn: string, { readings = USUAL as Hj212Dialect['readings'] }: Hj212Dialect): Fault {
  const message = `CN ${cn} is no reading of this station: ${readings!.join(', ')} are (\`dialect.hj212.readings\`).`;
  return { code: 'message.no-readings', message };
}
