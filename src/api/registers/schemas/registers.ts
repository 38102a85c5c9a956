/** What registers answer: each entry as it was put, with its id. */
import { z } from 'zod';
import { instantText } from '#api/schemas.ts';
import { NOUNS } from '#model/noun.ts';
import { identity } from '#model/protocol.ts';
import { recipientHistory } from '#model/recipients.ts';
import { channel, gateway, id, meter, ROLES, routes, rule, statement, station } from '#model/register.ts';

const withId = { id };

export const stationBody = station.meta({
  examples: [
    {
      name: { zh: '陶岔渠首', en: 'Taocha canal head' },
      kind: 'canal-section',
      waterBody: 'river',
      target: 'II',
      area: 'nanyang',
      location: { lat: 32.677, lon: 111.708 },
      parameters: [
        { id: 'nh3n', interval: 'PT4H' },
        { id: 'ph', interval: 'PT5M', qc: { fail: [0, 14] } },
      ],
    },
  ],
});
export const stationView = station.safeExtend(withId);

export const meterBody = meter
  .safeExtend({ recipients: recipientHistory.optional().describe('As it was answered; of no effect') })
  .meta({
    examples: [
      {
        station: 'beijing-trunk',
        parameter: 'register',
        kind: 'register',
        size: 10000000000,
        resolution: 0.001,
        unit: 'm3',
        direction: 1,
        maxFlow: 60,
        maxGap: 'PT1H',
        measures: 'delivery',
        recipient: 'beijing',
      },
    ],
  });
export const meterView = meter.safeExtend({
  ...withId,
  recipient: id.optional().describe('The present one'),
  recipients: recipientHistory.optional().describe('Of a meter that was handed over: its whole history'),
});

export const ruleBody = rule.meta({
  examples: [
    {
      kind: 'class',
      select: { kinds: ['river-section'] },
      target: 'station',
      for: 'PT0S',
      clear: { margin: 0.05, for: 'PT1H' },
      severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
      enabled: true,
    },
    { kind: 'threshold', parameters: ['turbidity'], above: 30, for: 'PT10M', severity: 'minor' },
  ],
});
const [
  classRule,
  threshold,
  quality,
  rate,
  flatLine,
  expression,
  missing,
  assessed,
  balance,
  disagreement,
  ...unlisted
] = rule.options;
// A new kind of rule that isn't listed here doesn't compile.
unlisted satisfies [];
export const says = z
  .object({ zh: z.string(), en: z.string() })
  .describe('What the rule does, in a sentence, by the registers as they are');
const ruled = { ...withId, says };
export const ruleView = z.discriminatedUnion('kind', [
  classRule.extend(ruled),
  threshold.extend(ruled),
  quality.extend(ruled),
  rate.extend(ruled),
  flatLine.extend(ruled),
  expression.extend(ruled),
  missing.extend(ruled),
  assessed.extend(ruled),
  balance.extend(ruled),
  disagreement.extend(ruled),
]);

export const channelBody = channel.meta({
  examples: [
    { kind: 'webhook', url: 'https://example.org/hooks/water', secret: 'shared-with-the-receiver', language: 'zh' },
    {
      kind: 'dingtalk',
      token: '5b1f0c3e9a7d4b26',
      secret: 'SEC9a0f5e',
      language: 'zh',
      perMinute: 18,
      fallback: 'duty-sms',
    },
  ],
});
const hidden = {
  ...withId,
  secret: z.undefined().optional(),
  hasSecret: z.boolean().describe('Whether there is a signing secret or a password; it is never shown'),
};
const hiddenToken = {
  ...hidden,
  token: z.undefined().optional(),
  hasToken: z.boolean().describe('Whether there is a token; it is never shown'),
};
const [webhook, mqtt, log, email, wecom, dingtalk, feishu, sms] = channel.options;
/** What is shown may be less than what has to be given, so only the shapes of the bodies count. */
export const channelView = z.discriminatedUnion('kind', [
  z.strictObject({ ...webhook.shape, ...hidden }),
  z.strictObject({ ...mqtt.shape, ...hidden }),
  z.strictObject({ ...log.shape, ...hidden }),
  z.strictObject({ ...email.shape, ...hidden }),
  z.strictObject({ ...wecom.shape, ...hiddenToken }),
  z.strictObject({ ...dingtalk.shape, ...hiddenToken }),
  z.strictObject({ ...feishu.shape, ...hiddenToken }),
  // Templates and headers are shown to those who may change them.
  z.strictObject({ ...sms.shape, ...hiddenToken }),
]);

export const routesBody = routes.meta({
  examples: [[{ match: { severity: ['major', 'critical'] }, channels: ['duty'] }]],
});

export const NOBODY = 'routes.nobody';
export const routesView = z
  .array(
    routes.element.safeExtend({
      warning: z
        .object({ code: z.literal(NOBODY), zh: z.string(), en: z.string() })
        .optional()
        .describe('It names no channel with a recipient'),
    }),
  )
  .meta({ examples: [[{ match: { severity: ['major', 'critical'] }, channels: ['duty'] }]] });

export const statementBody = statement;
export const statementView = statement.extend(withId).meta({
  examples: [
    {
      id: 'mr-annual-2023-24',
      kind: 'annual-volume',
      route: 'middle',
      counts: 'transferred',
      at: '2023-24',
      volume1e8m3: 71.27,
      comparison: '=',
      confidence: 'H',
      source: 'Ministry of Water Resources',
    },
  ],
});

function refuseRepeats({ stations }: { stations: readonly string[] }, context: z.RefinementCtx): void {
  for (const [index, station] of stations.entries()) {
    if (stations.indexOf(station) === index) continue;
    context.addIssue({ code: 'custom', path: ['stations', index], message: `"${station}" is named twice` });
  }
}

const given = (secret: z.ZodOptional<z.ZodString>) =>
  z
    .union([secret.unwrap(), z.literal(true), z.null()])
    .optional()
    .describe('`true`, or left out: as it was; null: none');
const { password: devicePassword, sm4Key, pushSecret } = identity.shape;
export const gatewayBody = gateway
  .extend({
    identity: identity
      .extend({ password: given(devicePassword), sm4Key: given(sm4Key), pushSecret: given(pushSecret) })
      .optional(),
  })
  .superRefine(refuseRepeats)
  .meta({
    examples: [
      { name: 'Taocha cabinet 1', stations: ['taocha'] },
      {
        name: 'Taocha logger',
        stations: ['taocha'],
        protocol: 'hj212',
        identity: { mn: 'A410000_0007', password: '123456', addresses: ['10.8.0.0/16'] },
      },
    ],
  });
export type GatewayBody = z.infer<typeof gatewayBody>;
const isSet = z.literal(true).optional().describe('Whether there is one; it is never shown');
const shownGateway = gateway.extend({
  identity: identity.extend({ password: isSet, sm4Key: isSet, pushSecret: isSet }).optional(),
});
export const gatewayPut = shownGateway
  .extend({
    ...withId,
    password: z.string().optional().describe('On the first PUT and on `?rotate=true`, then never again'),
    warning: z.literal('station.unknown').optional(),
    unknownStations: z.array(z.string()).optional().describe('Stations that are not registered yet'),
  })
  .meta({
    examples: [{ id: 'gw-taocha', stations: ['taocha'], password: 'x7Qe…' }],
  });
const whole = z.number().int();
const numbersView = z.object({
  from: whole,
  to: whole,
  count: whole,
  earlier: z.literal(true).optional().describe('Of a counter that has begun anew since: can only be closed'),
});
const sequenceView = z
  .object({
    missing: whole.describe('Numbers that never came, as far as nobody has closed them'),
    last: whole.nullable().describe('The highest number of its present counter'),
    holes: z
      .array(numbersView.extend({ since: instantText }))
      .describe('Which are missing, the oldest first; at most 64, in lists the newest eight'),
    merged: z
      .object({ count: whole, since: instantText })
      .optional()
      .describe('What holes before those came to, when there were more'),
    lost: z
      .object({
        count: whole,
        items: z
          .array(numbersView.extend({ at: instantText, by: z.string(), reason: z.string() }))
          .optional()
          .describe('At most the newest 32; not in lists'),
      })
      .describe('Numbers that somebody has said will never come'),
  })
  .describe('What its own numbers (`seq`) have left out, since it was registered');
export const sequenceCloseBody = z
  .strictObject({
    through: whole.min(0).describe('The highest number that is closed'),
    reason: z.string().trim().min(1).max(500),
  })
  .meta({
    examples: [
      { through: 4711, reason: 'The cabinet was without power and keeps nothing; see the log of 22 November.' },
    ],
  });
export const sequenceClosed = z
  .object({ closed: whole.describe('Numbers that are declared lost by this'), sequence: sequenceView })
  .meta({
    examples: [{ closed: 3, sequence: { missing: 0, last: 4715, holes: [], lost: { count: 3, items: [] } } }],
  });
export const clockBody = z
  .strictObject({
    address: z.string().trim().min(1).max(64).optional().describe('One device; left out: all of the gateway'),
  })
  .meta({ examples: [{ address: '010000A8900016F000169DC0' }] });
export const clocksSet = z
  .object({
    told: z.array(z.string()).describe('Addresses of devices that were told the time'),
    away: z.array(z.string()).describe('Addresses of those that are not connected'),
  })
  .meta({ examples: [{ told: ['010000A8900016F000169DC0'], away: [] }] });
const gapsView = z
  .array(z.object({ from: instantText, to: instantText, cause: z.string() }))
  .optional()
  .describe('Times in which an outside broker may have lost what was sent; absent when there are none');

export const gatewayView = shownGateway
  .extend({
    ...withId,
    lastSeen: instantText.nullable(),
    untold: z
      .number()
      .int()
      .optional()
      .describe('Refusals that `rejected` left out, being more than ten a second, since the service began'),
    clockOffsetMs: z.number().nullable().describe('How far its clock is behind ours, by its newest samples'),
    sequence: sequenceView,
    possibleGaps: gapsView,
  })
  .meta({
    examples: [
      {
        id: 'gw-taocha',
        stations: ['taocha'],
        lastSeen: '2026-11-22T00:00:01.200Z',
        clockOffsetMs: 350,
        sequence: { missing: 0, last: 4711, holes: [], lost: { count: 0, items: [] } },
      },
    ],
  });

const count = z.number().int();
export const ledger = z
  .object({
    received: count,
    stored: count,
    duplicate: count,
    quarantined: count,
    pending: count,
    since: instantText.nullable(),
    possibleGaps: gapsView,
  })
  .meta({
    examples: [
      { received: 100, stored: 96, duplicate: 2, quarantined: 1, pending: 1, since: '2026-11-01T00:00:00.000Z' },
    ],
  });

const name = z.string().trim().min(1).max(100);
export const tokenBody = z
  .strictObject({ name, role: z.enum(ROLES) })
  .meta({ examples: [{ name: 'duty-desk', role: 'operator' }] });
export const tokenView = z.object({ id: z.string(), name, role: z.enum(ROLES) });
export const tokenMade = tokenView
  .extend({ token: z.string().describe('Shown this once') })
  .meta({ examples: [{ id: 'tk-4f0c2b1d9a3e', name: 'duty-desk', role: 'operator', token: 'x7Qe…' }] });

export const sessionBody = z
  .strictObject({ token: z.string().min(1).max(1000) })
  .meta({ examples: [{ token: 'x7Qe…' }] });
export const sessionView = z
  .object({ name: z.string(), role: z.enum(ROLES) })
  .meta({ examples: [{ name: 'duty-desk', role: 'operator' }] });

export const auditItem = z
  .object({
    seq: z.number().int(),
    at: instantText,
    actor: z.string(),
    verb: z.string(),
    noun: z.enum(NOUNS).optional(),
    command: z.unknown().describe('The command as it was given, its secrets cut out'),
  })
  .meta({
    examples: [
      {
        seq: 12,
        at: '2026-11-22T00:00:01.200Z',
        actor: 'admin',
        verb: 'delete',
        noun: 'station',
        command: { verb: 'delete', noun: 'station', id: 'taocha' },
      },
    ],
  });
