/**
 * What a register entry may say: one zod schema per noun of contracts §4, used alike by the API, the seeds and
 * `rules:test`. The types are inferred, so a schema and its type can't drift apart.
 */
import { z } from 'zod';
import { SEVERITIES } from '#model/alarms/alarm.ts';
import { TARGETS } from './class.ts';
import { dialect } from './dialect.ts';
import { durationMs } from './duration.ts';
import { duration, id, instant, STATION_KINDS, text } from './fields.ts';
import { spoken } from './protocol.ts';
import { recipients } from './recipients.ts';

export { type Channel, channel } from '#model/alarms/channel.ts';
export { isPeriodRule, type PeriodRule, type Rule, rule } from '#model/alarms/rule.ts';
export { id } from './fields.ts';

const span = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'low must not exceed high');
const pair = z.tuple([z.number().positive(), z.number().positive()]);

const month = z.number().int().min(1).max(12);
const WEEK_MS = 7 * 86_400_000;
/** The stretch is read again for every hour that closes. A text that is no duration is refused elsewhere. */
const isShort = (text: string) => {
  try {
    return durationMs(text) >= 60_000 && durationMs(text) <= WEEK_MS;
  } catch {
    return true;
  }
};
/** Thresholds of the quality tests for one parameter at one station; what is absent comes from the parameter. */
const qualityThresholds = z.strictObject({
  fail: span.optional(),
  suspect: span.optional(),
  ratePerHour: pair.optional(),
  spike: pair.optional(),
  flat: z
    .strictObject({
      tolerance: z.number().positive(),
      suspect: duration,
      fail: duration,
      still: span.optional().describe('Values in this span may truly stand still for days: water that freezes'),
      afterJump: z
        .boolean()
        .optional()
        .describe('A value that leaps beyond the spike threshold and then stands still is suspect at once'),
    })
    .optional(),
  climatology: z
    .array(
      z.strictObject({
        months: z.tuple([month, month]).describe('First and last month, both included; [11, 2] is the winter (UTC)'),
        suspect: span,
        fail: span.optional(),
      }),
    )
    .min(1)
    .max(24)
    .optional()
    .describe('What is usual at the time of the year; of members that overlap the last counts'),
  attenuated: z
    .strictObject({
      period: duration.refine(isShort, 'from PT1M to P7D'),
      suspect: z.number().positive(),
      fail: z.number().positive(),
    })
    .refine(({ suspect, fail }) => fail <= suspect, 'fail must not exceed suspect')
    .optional()
    .describe('Moving less than this (highest less lowest) over the period; final flags only'),
  multivariate: z
    .strictObject({ with: id, ratePerHour: z.number().positive(), otherRatePerHour: z.number().nonnegative() })
    .optional()
    .describe(
      'A change faster than `ratePerHour` that the other parameter of this station does not share; final flags only',
    ),
  neighbour: z
    .strictObject({ station: id, span: z.number().positive() })
    .optional()
    .describe('Further than `span` from what another station measures of the same parameter; final flags only'),
});

const TAGS_MAX = 50;

/** River and lake chiefs (河长、湖长), from the nearest up. */
const CHIEF_LEVELS = ['village', 'town', 'county', 'city'] as const;

export const station = z.strictObject({
  name: z.strictObject({ zh: text, en: text }),
  kind: z.enum(STATION_KINDS),
  waterBody: z.enum(['river', 'lake']),
  target: z.enum(TARGETS).nullable().optional(),
  area: text.optional(),
  river: text.optional(),
  location: z.strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) }).optional(),
  owner: z
    .strictObject({ name: text, channels: z.array(id).max(20) })
    .optional()
    .describe('Who answers for the station, told by routes `to` the owner'),
  chiefs: z
    .array(z.strictObject({ level: z.enum(CHIEF_LEVELS), name: text, channels: z.array(id).max(20) }))
    .max(20)
    .optional(),
  tags: z
    .record(z.string().max(64), z.string().max(200))
    .refine((tags) => Object.keys(tags).length <= TAGS_MAX, `at most ${TAGS_MAX} tags`)
    .optional(),
  parameters: z
    .array(
      z.strictObject({
        id,
        interval: duration.optional(),
        detectionLimit: z
          .number()
          .positive()
          .optional()
          .describe('Canonical unit; what is sent below it is `<` it: censored, neither suspect nor exact'),
        qc: qualityThresholds.optional(),
      }),
    )
    .max(200)
    .default([]),
  dialect: dialect
    .optional()
    .describe("What this station's device letters mean, before what its gateways' dialects say"),
});
export type Station = z.infer<typeof station>;

/** How often a station measures whatever it measures most often, ms; null when its entry doesn't say. */
export function cycleMs(entry: Station | undefined): number | null {
  const intervals =
    entry?.parameters.flatMap(({ interval }) => (interval === undefined ? [] : durationMs(interval))) ?? [];
  return intervals.length === 0 ? null : Math.min(...intervals);
}

export const gateway = z.strictObject({
  name: z
    .union([text, z.strictObject({ zh: text, en: text })])
    .optional()
    .describe('In each language, or the same in both'),
  stations: z.array(id).max(1000),
  dialect: dialect.optional().describe('What the device letters of its stations mean'),
  numbersAsText: z.boolean().optional().describe('Takes numbers in quotation marks: `"7.9"`'),
  ...spoken,
});
/** A gateway's password in the forms of brokers that can't be given a `$7$` hash. */
export interface OtherHashes {
  /** RabbitMQ's: base64 of 4 bytes of salt and SHA-256 of salt and password. */
  sha256: string;
  /** NATS'; null of a password that bcrypt would cut off. */
  bcrypt: string | null;
}

/**
 * As kept: the password only as hashes, a Mosquitto `$7$` one (PBKDF2-SHA512), by which it is checked here, and others
 * for outside brokers; those are missing of a password that an earlier version made.
 */
export type Gateway = z.infer<typeof gateway> & { passwordHash: string; otherHashes?: OtherHashes | undefined };

const METER_KINDS = ['register', 'signed-register', 'scheduled-reset', 'flow'] as const;
/** What a meter's water is. */
export const MEASURES = ['intake', 'delivery', 'release', 'ecological'] as const;
const GAP_METHODS = ['linear', 'held', 'sister', 'register', 'unknown'] as const;
/** How a gap between flow readings is estimated; `unknown` = it isn't. */
export type GapMethod = (typeof GAP_METHODS)[number];
/** The longest gap between flow readings that is estimated, where a meter doesn't say. */
export const MAX_ESTIMATE = 'PT72H';
/** Another register in the old one's place, from `at` on; what isn't told stays as it was. */
const replacement = z.strictObject({
  at: instant,
  /** The old register's last count and the new one's first, in the meter's `unit`. */
  end: z.number().optional(),
  start: z.number().optional(),
  size: z.number().positive().optional(),
  resolution: z.number().positive().optional(),
  direction: z.union([z.literal(1), z.literal(-1)]).optional(),
  maxFlow: z.number().positive().optional(),
  maxGap: duration.optional(),
  reason: text.optional(),
});

export const meter = z
  .strictObject({
    station: id,
    parameter: z.enum(['register', 'flow']),
    kind: z.enum(METER_KINDS),
    /** Register size in `unit`: the value at which it is zero again. */
    size: z.number().positive().optional(),
    resolution: z.number().positive().optional(),
    unit: text,
    direction: z.union([z.literal(1), z.literal(-1)]).default(1),
    /** Largest plausible flow, m³/s. */
    maxFlow: z.number().positive(),
    maxGap: duration.default('PT1H'),
    measures: z.enum(MEASURES),
    recipient: recipients
      .optional()
      .describe('Who gets the water; a list is its whole history, `from` event times, the first one null'),
    from: instant.optional(),
    to: instant.optional(),
    /** Ascending: overlapping replacements are refused. */
    replacements: z.array(replacement).max(100).optional(),
    /** Flow only; `sister` needs a sister meter, `register` a register at the same station. */
    gap: z.enum(GAP_METHODS).optional(),
    maxEstimate: duration
      .optional()
      .describe(
        'Flow: the longest gap that `linear` and `held` estimate, unless told PT72H; a longer one is unknown. What another meter measured (`sister`, `register`), or a register counted, has no such limit',
      ),
    /** The meter that counts the same water: this one only checks it and is in no sum but its own. */
    sister: id.optional(),
    /** How long water is under way from the intake to here. */
    travelTime: duration.optional(),
  })
  .refine(replacementsAscend, {
    path: ['replacements'],
    message: 'must follow each other in time, within from and to',
  })
  .refine((body) => body.gap === undefined || body.kind === 'flow', {
    path: ['gap'],
    message: 'is for kind flow: between two reads of a register the total is known',
  })
  .refine((body) => (body.kind === 'flow') === (body.parameter === 'flow'), {
    path: ['kind'],
    message: 'kind flow goes with parameter flow, the register kinds with parameter register',
  });
export type Meter = z.infer<typeof meter>;

function replacementsAscend(body: {
  from?: string | undefined;
  to?: string | undefined;
  replacements?: { at: string }[] | undefined;
}): boolean {
  const times = [body.from, ...(body.replacements ?? []).map(({ at }) => at), body.to]
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time));
  return !body.replacements?.length || times.every((time, index) => index === 0 || time > times[index - 1]!);
}

const severity = z.enum(SEVERITIES);

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day, HH:MM');

const route = z
  .strictObject({
    match: z
      .strictObject({
        severity: z.array(severity).optional(),
        station: z.array(id).optional(),
        area: z.array(text).optional(),
        rule: z.array(id).optional(),
      })
      .default({}),
    channels: z.array(id).min(1).max(50).optional(),
    to: z
      .array(z.enum(['owner', ...CHIEF_LEVELS]))
      .min(1)
      .max(5)
      .optional()
      .describe("The channels of the station's owner, and of its chiefs of these levels"),
    after: duration
      .optional()
      .describe('Without acknowledgement, since it was detected: then it is told, as `escalated`'),
    quiet: z
      .strictObject({ from: timeOfDay, to: timeOfDay, severities: z.array(severity).min(1) })
      .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must not be `from`' })
      .optional()
      .describe('Every day from … to (WK_TIME_ZONE) these severities are held and told in one summary afterwards'),
  })
  .refine(({ channels, to }) => channels !== undefined || to !== undefined, {
    path: ['channels'],
    message: 'name channels, or whom in `to`, or both',
  });

export const routes = z.array(route).max(200);
export type Routes = z.infer<typeof routes>;
export type Route = Routes[number];

export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const;
export type Role = (typeof ROLES)[number];
const token = z.strictObject({ name: text, role: z.enum(ROLES) });
/** As kept: only the SHA-256 of the token, hex; tokens are 256 random bits. */
export type Token = z.infer<typeof token> & { hash: string };

/** A published figure with its source, shown beside what was metered and never mixed in. Volumes in 亿 m³ (1e8 m³). */
export const statement = z.strictObject({
  /** Of an `annual-plan` the volume is what was planned; what came of it may be unknown. */
  kind: z.enum(['annual-volume', 'annual-plan', 'milestone']),
  route: z.enum(['middle', 'east-and-middle']).default('middle'),
  /** What is counted: taken in at Taocha, delivered to recipients, ecological supply. */
  counts: z.enum(['transferred', 'intake', 'delivered', 'ecological']),
  recipient: id.optional(),
  from: z.iso.date().optional(),
  at: text,
  volume1e8m3: z.number().nonnegative(),
  comparison: z.enum(['=', '>', '≈']).default('='),
  plan1e8m3: z.number().nonnegative().optional(),
  confidence: z.enum(['H', 'M', 'OK']),
  source: text,
  note: text.optional(),
});
export type Statement = z.infer<typeof statement>;

/**
 * A time in which something that gateways sent may be lost: their broker had forgotten our session. Written by the
 * service itself, shown in every gateway's ledger.
 */
export interface Gap {
  fromMs: number;
  toMs: number;
  cause: string;
}

/** Planned work: what is raised in [from, to) at these stations, or those of these gateways, is recorded and not told. */
export const maintenance = z
  .strictObject({
    stations: z.array(id).min(1).max(1000).optional(),
    gateways: z.array(id).min(1).max(1000).optional(),
    from: instant,
    to: instant,
    reason: text,
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ['to'], message: 'must lie after from' })
  .refine(({ stations, gateways }) => stations !== undefined || gateways !== undefined, {
    path: ['stations'],
    message: 'name stations, gateways or both',
  });
export type Maintenance = z.infer<typeof maintenance>;
