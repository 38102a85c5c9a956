/**
 * What a register entry may say: one zod schema per noun of contracts §4, used alike by the API, the seeds and
 * `rules:test`. The types are inferred, so a schema and its type can't drift apart.
 */
import { z } from 'zod';
import { SEVERITIES } from './alarm.ts';
import { TARGETS } from './class.ts';
import { durationMs } from './duration.ts';

export const id = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'an id is 1 to 64 of A-Z a-z 0-9 . _ -');
const duration = z.string().refine((text) => {
  try {
    return durationMs(text) >= 0;
  } catch {
    return false;
  }
}, 'an ISO 8601 duration such as PT5M, or 20ms');
const instant = z.iso.datetime({ offset: true });
const span = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, 'low must not exceed high');
const pair = z.tuple([z.number().positive(), z.number().positive()]);
const text = z.string().min(1).max(500);

/** Thresholds of the quality tests for one parameter at one station; what is absent comes from the parameter. */
const qualityThresholds = z.strictObject({
  fail: span.optional(),
  suspect: span.optional(),
  ratePerHour: pair.optional(),
  spike: pair.optional(),
  flat: z.strictObject({ tolerance: z.number().positive(), suspect: duration, fail: duration }).optional(),
});
const STATION_KINDS = ['river-section', 'reservoir', 'lake', 'canal-section', 'gate', 'offtake', 'outfall'] as const;

export const station = z.strictObject({
  name: z.strictObject({ zh: text, en: text }),
  kind: z.enum(STATION_KINDS),
  waterBody: z.enum(['river', 'lake']),
  target: z.enum(TARGETS).nullable().optional(),
  area: text.optional(),
  river: text.optional(),
  location: z.strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) }).optional(),
  chiefs: z
    .array(
      z.strictObject({
        level: z.enum(['village', 'town', 'county', 'city']),
        name: text,
        channels: z.array(id).max(20),
      }),
    )
    .max(20)
    .optional(),
  tags: z.record(z.string().max(64), z.string().max(200)).optional(),
  parameters: z
    .array(z.strictObject({ id, interval: duration.optional(), qc: qualityThresholds.optional() }))
    .max(200)
    .default([]),
});
export type Station = z.infer<typeof station>;

export const gateway = z.strictObject({ name: text.optional(), stations: z.array(id).max(1000) });
/** As kept: the password only as a Mosquitto `$7$` hash (PBKDF2-SHA512), so that one hash serves every broker. */
export type Gateway = z.infer<typeof gateway> & { passwordHash: string };

const METER_KINDS = ['register', 'signed-register', 'scheduled-reset', 'flow'] as const;
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
    measures: z.enum(['intake', 'delivery', 'release', 'ecological']),
    recipient: id.optional(),
    from: instant.optional(),
    to: instant.optional(),
  })
  .refine((body) => (body.kind === 'flow') === (body.parameter === 'flow'), {
    path: ['kind'],
    message: 'kind flow goes with parameter flow, the register kinds with parameter register',
  });
export type Meter = z.infer<typeof meter>;

const severity = z.enum(SEVERITIES);
const conditional = {
  select: z
    .strictObject({
      stations: z.array(id).optional(),
      areas: z.array(text).optional(),
      rivers: z.array(text).optional(),
      kinds: z.array(z.enum(STATION_KINDS)).optional(),
      targets: z.array(z.enum(TARGETS)).optional(),
    })
    .default({}),
  parameters: z.array(id).min(1).optional(),
  for: duration.default('PT0S'),
  clear: z.strictObject({ margin: z.number().min(0).max(1).default(0.05), for: duration.default('PT0S') }).prefault({}),
  enabled: z.boolean().default(true),
};
const severityByClass = z.strictObject({
  I: severity.optional(),
  II: severity.optional(),
  III: severity.optional(),
  IV: severity.optional(),
  V: severity.optional(),
  worse: severity.optional(),
});

export const rule = z.discriminatedUnion('kind', [
  /** The station's target class (or `target`) is broken by a single reading. */
  z.strictObject({
    kind: z.literal('class'),
    ...conditional,
    target: z.union([z.literal('station'), z.enum(TARGETS)]).default('station'),
    severity: z.union([severity, severityByClass]),
  }),
  /** A reading is not `op limit`; `unit` is converted to the parameter's canonical one. */
  z.strictObject({
    kind: z.literal('threshold'),
    ...conditional,
    parameters: z.array(id).min(1),
    op: z.enum(['<=', '>=', '<', '>']),
    limit: z.number(),
    unit: text.optional(),
    severity,
  }),
  /** A sensor alarm: flags 3 and 4, save under maintenance and calibration letters (invariant 6). */
  z.strictObject({ kind: z.literal('quality'), ...conditional, severity }),
]);
export type Rule = z.infer<typeof rule>;

const CHANNEL_KINDS = ['webhook', 'mqtt', 'log'] as const;
export const channel = z
  .strictObject({
    kind: z.enum(CHANNEL_KINDS),
    url: z.url({ protocol: /^https?$/ }).optional(),
    secret: z.string().min(1).max(500).optional(),
    to: text.optional(),
    language: z.enum(['zh', 'en']).optional(),
  })
  .refine((body) => body.kind !== 'webhook' || body.url !== undefined, {
    path: ['url'],
    message: 'a webhook needs a url',
  });
export type Channel = z.infer<typeof channel>;

export const routes = z
  .array(
    z.strictObject({
      match: z
        .strictObject({
          severity: z.array(severity).optional(),
          station: z.array(id).optional(),
          area: z.array(text).optional(),
          rule: z.array(id).optional(),
        })
        .default({}),
      channels: z.array(id).min(1).max(50),
      after: duration.optional(),
    }),
  )
  .max(200);
export type Routes = z.infer<typeof routes>;

export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const;
export type Role = (typeof ROLES)[number];
const token = z.strictObject({ name: text, role: z.enum(ROLES) });
/** As kept: only the SHA-256 of the token, hex; tokens are 256 random bits. */
export type Token = z.infer<typeof token> & { hash: string };

/** A published figure with its source, shown beside what was metered and never mixed in. Volumes in 亿 m³ (1e8 m³). */
export const statement = z.strictObject({
  kind: z.enum(['annual-volume', 'milestone']),
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
