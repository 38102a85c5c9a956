/** What the schemas of several nouns share: ids, pages, instants as text, and how a route is documented. */
import { z } from 'zod';
import { FAULTS, type FaultCode } from '#model/faults.ts';
import { id } from '#model/register.ts';

/** What `id` of model/register.ts says when it refuses. */
export const ID_MESSAGE = id.safeParse('').error!.issues[0]!.message;

export const idParams = z.object({ id });
/** Ids that we made ourselves (alarms, notices, quarantined items): anything unknown is simply not found. */
export const givenIdParams = z.object({ id: z.string().min(1).max(300) });

/** An instant in an answer: RFC 3339 in UTC with milliseconds. */
export const instantText = z.string().meta({ examples: ['2026-11-22T00:00:00.000Z'] });

const whole = (name: string, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `${name} is a whole number`)
    .transform(Number)
    .pipe(z.number().int().min(1).max(max));

export const LIST_LIMIT = 100;
const LIST_LIMIT_MAX = 1000;

export const page = {
  limit: whole('limit', LIST_LIMIT_MAX).optional().describe('At most so many items; 100 unless told, at most 1,000'),
  cursor: z.string().max(500).optional().describe('`next` of the page before'),
};
export const pageQuery = z.strictObject(page);
export const limitUpTo = (max: number) => whole('limit', max).optional();

export const instantQuery = (text: string) =>
  z
    .string()
    .max(64)
    .optional()
    .describe(`${text}: RFC 3339 with an offset, epoch milliseconds, or a date (its midnight in the time zone)`);

export const range = {
  from: instantQuery('Start of the range, inclusive'),
  to: instantQuery('End of the range, exclusive; now unless told'),
};

export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable().describe('Cursor of the next page; null on the last') });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.enum(Object.keys(FAULTS) as [FaultCode, ...FaultCode[]]),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    errorCount: z
      .number()
      .int()
      .optional()
      .describe('How many mistakes there are, where `errors` lists the first hundred'),
    requestId: z.string(),
    quarantineId: z
      .string()
      .optional()
      .describe('The item in quarantine that keeps what could not be decoded (`POST /readings`, `POST /import`)'),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'urn:wellkeeper:fault:not-found',
        title: FAULTS['not-found'].meaning,
        status: 404,
        detail: 'There is no station "nowhere".',
        code: 'not-found',
        requestId: 'req-7',
      },
    ],
  });

export const TAGS = {
  readings: 'Readings in and out',
  statistics: 'Trends and volumes',
  alarms: 'Alarms and notices',
  registers: 'Stations, gateways, meters, rules, channels, routes',
  access: 'Sessions, tokens, audit',
  reference: 'Parameters and standards',
  service: 'Health and metrics',
} as const;

export interface Documentation {
  tag: keyof typeof TAGS;
  summary: string;
  description?: string;
  /** 200 unless told; of several, all have the same answer. */
  status?: number | number[];
  /** Absent: an answer without a body. */
  answer?: z.ZodType;
  /** The answer's media type, JSON unless told. */
  type?: string;
  /** Further media types of the same answer. */
  otherTypes?: readonly string[];
  /** Codes that this route answers with besides those of every route. */
  faults?: FaultCode[];
  isPublic?: boolean;
  /** Statuses of these faults that are told by a page for people (of `type`), not by a problem document. */
  pages?: readonly number[];
}

/** A part of fastify's schema that leaves the types of bodies and queries to the rest of it. */
interface DocumentedSchema {
  tags: string[];
  summary: string;
  description?: string;
  security?: [];
  response: unknown;
}

const EVERYWHERE: FaultCode[] = [
  'request.invalid',
  'message.too-deep',
  'token.missing',
  'token.invalid',
  'role.too-low',
  'rate.limited',
  'internal',
  'overloaded',
  'question.too-large',
];

const PROBLEM = { 'application/problem+json': { schema: problemSchema } };

/** What any request may be answered with before a route is found for it. */
const UNREAD = {
  408: '`request.invalid`: the request took too long to come',
  413: '`message.too-large`: the body is too large',
  414: '`request.invalid`: a part of the path is longer than 2,000 characters',
  415: '`media.unsupported`: the body is of a type that is not taken here',
  431: '`request.invalid`: the head of the request is larger than 16 KiB',
};

/** The documentary part of a route's schema. Answers are checked against it by tests, not while serving. */
export function documented(documentation: Documentation): DocumentedSchema {
  const {
    tag,
    summary,
    description,
    status = 200,
    answer,
    type = 'application/json',
    otherTypes = [],
    faults = [],
    isPublic,
    pages = [],
  } = documentation;
  const codes = [...new Set([...(isPublic ? (['rate.limited', 'internal'] as const) : EVERYWHERE), ...faults])];
  const others = Object.fromEntries(otherTypes.map((other) => [other, { schema: z.string() }]));
  const good = answer
    ? { description: summary, content: { [type]: { schema: answer }, ...others } }
    : z.null().describe('No body');
  const response: Record<string, unknown> = Object.fromEntries([status].flat().map((code) => [code, good]));
  for (const problemStatus of new Set(codes.map((code) => FAULTS[code].status ?? 400))) {
    const here = codes.filter((code) => (FAULTS[code].status ?? 400) === problemStatus);
    response[problemStatus] = {
      description: here.map((code) => `\`${code}\`: ${FAULTS[code].meaning}`).join('\n'),
      content: pages.includes(problemStatus) ? { [type]: { schema: z.string() } } : PROBLEM,
    };
  }
  for (const [unread, meaning] of Object.entries(UNREAD)) {
    response[unread] ??= { description: meaning, content: PROBLEM };
  }
  return {
    tags: [TAGS[tag]],
    summary,
    ...(description ? { description } : {}),
    ...(isPublic ? { security: [] } : {}),
    response,
  };
}

/** Of a CSV that a spreadsheet is to open by double click. */
export const bomQuery = z
  .enum(['true', 'false'])
  .optional()
  .describe('`true` begins a CSV with a byte order mark, so that spreadsheets read it as UTF-8');
