/** Reports of days, months and transfer years: one assembly, four formats, and the list of what is on record or due. */
import type { FastifyReply } from 'fastify';
import type { Api } from '#api/api.ts';
import { bookView } from '#api/books/book-view.ts';
import { dueReports } from '#api/books/due-reports.ts';
import { BYTE_ORDER_MARK } from '#api/csv-field.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText, zonedTexts } from '#api/instants.ts';
import { Problem } from '#api/problems.ts';
import { preferredFormat, REPORT_TYPES, type ReportFormat } from '#api/reports/formats.ts';
import { reportOf } from '#api/reports/report.ts';
import {
  type Report,
  report,
  reportList,
  reportParams,
  reportQuery,
  reportsQuery,
} from '#api/reports/schemas/reports.ts';
import { documented, LIST_LIMIT } from '#api/schemas.ts';
import { reportRange } from '#volume/calendar-names.ts';

export function reportRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  oneRoute(api, deps);
}

interface Listed {
  period: string;
  fromMs: number;
  toMs: number;
  timeZone: string;
  state: 'kept' | 'closed' | 'due';
  atMs: number | null;
  by: string | null;
  restatements: number;
  sha256: string | null;
}

function listRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/reports',
    config: { access: 'viewer' },
    schema: {
      querystring: reportsQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Reports that are kept, periods that are closed, and what is due, by their end, newest first',
        description:
          'A report of any other day, month or transfer year that has begun is made when it is asked for. What ended before the first meter was registered is never due.',
        answer: reportList,
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const { limit = LIST_LIMIT, cursor } = query;
      const all = listed(deps).sort((a, b) => b.toMs - a.toMs || (a.period < b.period ? -1 : 1));
      const after = fromCursor(cursor, ['number', 'string']);
      const rest = after
        ? all.filter(({ toMs, period }) => toMs < after[0] || (toMs === after[0] && period > after[1]))
        : all;
      return pageOf(rest.slice(0, limit + 1), limit, listedView, ({ toMs, period }) => toCursor(toMs, period));
    },
  });
}

function listed(deps: ApiDeps): Listed[] {
  const { control, config } = deps;
  const kept = control.list('report').map(({ id, body }): Listed => {
    const { fromMs, toMs, timeZone, madeAtMs, by, sha256 } = body;
    return { period: id, fromMs, toMs, timeZone, state: 'kept', atMs: madeAtMs, by, restatements: 0, sha256 };
  });
  const closed = control.list('period').map(({ id, body }): Listed => {
    const { closings, ...range } = body;
    const { closedAtMs, by, sha256 } = closings.at(-1)!;
    return { period: id, ...range, state: 'closed', atMs: closedAtMs, by, restatements: closings.length - 1, sha256 };
  });
  const due = dueReports(deps).map(({ name, fromMs, toMs }): Listed => {
    const nothing = { atMs: null, by: null, restatements: 0, sha256: null };
    return { period: name, fromMs, toMs, timeZone: config.timeZone, state: 'due', ...nothing };
  });
  return [...kept, ...closed, ...due];
}

function listedView({ period, fromMs, toMs, timeZone, state, atMs, by, restatements, sha256 }: Listed) {
  const text = zonedTexts(timeZone);
  const { kind } = reportRange(period, timeZone);
  return { period, kind, start: text(fromMs), end: text(toMs), state, at: isoText(atMs), by, restatements, sha256 };
}

function oneRoute(api: Api, deps: ApiDeps): void {
  const { config, journal, clock } = deps;
  api.route({
    method: 'GET',
    url: '/reports/:period',
    config: { access: 'viewer' },
    schema: {
      params: reportParams,
      querystring: reportQuery,
      ...documented({
        tag: 'statistics',
        summary: 'The report of a day, a month or a transfer year: JSON, CSV, XLSX, or HTML to print',
        description:
          '`2026-11-22`, `2026-11` or `2025-26`, as far as it has got. `Accept` or `format` chooses `application/json`, `text/csv`, `application/vnd.openxmlformats-officedocument.spreadsheetml.sheet` or `text/html`.',
        answer: report,
        otherTypes: Object.values(REPORT_TYPES),
        faults: ['range.invalid', 'store.unavailable', 'overloaded'],
      }),
    },
    async handler({ params, query, headers }, reply) {
      const asOfMs = query.asOf === undefined ? null : instantMs(query.asOf, 'asOf', config.timeZone);
      if (asOfMs !== null && asOfMs > clock.nowMs()) {
        throw new Problem('range.invalid', 'asOf: what will be known later is not known yet.');
      }
      await deps.caughtUp('books');
      const throughSeq = asOfMs === null ? journal.headSeq : null;
      const { timeZone, allowedLatenessMs, unknownTolerance } = config;
      const books = await bookView(deps, asOfMs);
      const made = await reportOf(books, {
        period: params.period,
        timeZone,
        allowedLatenessMs,
        unknownTolerance,
        throughSeq,
        // As of a time volumes are counted from readings.
        isRecounting: asOfMs === null && deps.readiness().recounting !== null,
      });
      return send(deps, reply, made, query.format ?? preferredFormat(headers.accept ?? ''), query);
    },
  });
}

async function send(
  deps: ApiDeps,
  reply: FastifyReply,
  made: Report,
  format: ReportFormat,
  { lang: language, bom }: { lang: 'zh' | 'en'; bom?: 'true' | 'false' | undefined },
) {
  reply.header('vary', 'accept').header('cache-control', 'no-store');
  if (format === 'json') return made;
  const { body, contentSecurityPolicy } = await deps.drawReport({ report: made, format, language });
  switch (format) {
    case 'csv':
      return attached(reply, made, 'csv')
        .type(`${REPORT_TYPES.csv}; charset=utf-8`)
        .send((bom === 'true' ? BYTE_ORDER_MARK : '') + body);
    case 'xlsx':
      return attached(reply, made, 'xlsx').type(REPORT_TYPES.xlsx).send(Buffer.from(body));
    case 'html':
      return reply
        .type(`${REPORT_TYPES.html}; charset=utf-8`)
        .header('content-security-policy', contentSecurityPolicy)
        .send(body);
  }
}

function attached(reply: FastifyReply, { period }: Report, extension: string): FastifyReply {
  return reply.header('content-disposition', `attachment; filename="wellkeeper-${period}.${extension}"`);
}
