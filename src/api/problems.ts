/** Every error that the API answers with: RFC 9457 problem details with a stable `code` from model/faults.ts. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import { FAULTS, type FaultCode } from '#model/faults.ts';
import { writtenText } from './answers.ts';
import { ID_MESSAGE } from './schemas.ts';

export interface ProblemError {
  path: string;
  message: string;
}

/** Nobody mends more mistakes at once; `errorCount` says how many there are. */
const ERRORS_LISTED_MAX = 100;

/** Thrown by handlers and hooks; the error handler below writes it. `extra` goes into the body beside the standard members. */
export class Problem extends Error {
  readonly code: FaultCode;
  readonly statusCode: number;
  /** At most a hundred. */
  readonly errors: ProblemError[] | undefined;
  /** How many there are, when not all are listed. */
  readonly errorCount: number | undefined;
  readonly headers: Record<string, string>;
  readonly extra: Record<string, unknown>;
  constructor(
    code: FaultCode,
    detail: string,
    options: {
      status?: number;
      errors?: ProblemError[];
      headers?: Record<string, string>;
      extra?: Record<string, unknown>;
    } = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.code = code;
    this.statusCode = options.status ?? FAULTS[code].status ?? 400;
    const { errors } = options;
    this.errors = errors?.slice(0, ERRORS_LISTED_MAX);
    this.errorCount = errors && errors.length > ERRORS_LISTED_MAX ? errors.length : undefined;
    this.headers = options.headers ?? {};
    this.extra = options.extra ?? {};
  }
}

export function notFound(what: string): Problem {
  return new Problem('not-found', `There is no ${what}.`);
}

/** One thing wrong with a body or a query. */
export function invalid(path: string, message: string): Problem {
  return new Problem('request.invalid', `${path}: ${message}`, { errors: [{ path, message }] });
}

/** A schema's refusal: `id.invalid` when an id is what is wrong, else `request.invalid`; every mistake is listed. */
export function fromZod(error: z.ZodError): Problem {
  const errors = error.issues.map(({ path, message }) => ({ path: pathText(path), message }));
  const code = error.issues.some(({ message }) => message === ID_MESSAGE) ? 'id.invalid' : 'request.invalid';
  const first = errors[0]!;
  return new Problem(code, first.path === '' ? first.message : `${first.path}: ${first.message}`, { errors });
}

/** `parameters[0].id` */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

/** Seconds after which trying again may help, when nobody knows better. */
const RETRY_AFTER_S = 5;

const FASTIFY_CODES: Record<string, FaultCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media.unsupported',
  FST_ERR_CTP_BODY_TOO_LARGE: 'message.too-large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.invalid',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.invalid',
  FST_ERR_BAD_URL: 'request.invalid',
};

/** What an error of any origin is to the client; unknown ones are `internal` and tell nothing. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, message, statusCode } = error as FastifyError;
  if (typeof code === 'string' && Object.hasOwn(FAULTS, code)) {
    const known = code as FaultCode;
    const status = FAULTS[known].status;
    if (status !== null && known !== 'internal') {
      const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {};
      return new Problem(known, message, { headers });
    }
  }
  if (typeof code === 'string' && Object.hasOwn(PLATFORM_CONDITIONS, code)) {
    const { meaning } = PLATFORM_CONDITIONS[code as PlatformCondition];
    return new Problem('store.unavailable', meaning, { headers: { 'retry-after': String(RETRY_AFTER_S) } });
  }
  const mapped = typeof code === 'string' ? FASTIFY_CODES[code] : undefined;
  if (mapped) return new Problem(mapped, message);
  if (error instanceof SyntaxError || (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)) {
    return new Problem('request.invalid', message, { status: statusCode ?? 400 });
  }
  return new Problem('internal', 'The log has it under this request id.');
}

/** The client went while it was sending: that is no fault of ours, and nobody reads the answer. */
function isCutShort({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}

/**
 * What Node refuses before there is a request (`clientError`): a head that is no HTTP, too large or too slow.
 * @see https://nodejs.org/api/http.html#event-clienterror
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'The head of the request is too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'The request took too long to come.']
        : [400, 'This is no HTTP request.'];
  const body = JSON.stringify({ ...bodyOf(new Problem('request.invalid', detail, { status })), requestId: 'none' });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

function bodyOf(problem: Problem) {
  return {
    type: `urn:wellkeeper:fault:${problem.code}`,
    title: FAULTS[problem.code].meaning,
    status: problem.statusCode,
    detail: problem.message,
    code: problem.code,
    ...(problem.errors ? { errors: problem.errors } : {}),
    ...(problem.errorCount === undefined ? {} : { errorCount: problem.errorCount }),
  };
}

/** The body of contracts §4: RFC 9457 section 3.1, with `code`, `errors` and `requestId` as extensions. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = isCutShort(request) ? new Problem('request.invalid', 'The body was cut short.') : toProblem(error);
  // Who has gone is told nothing, and that nothing more was computed for it is no failure.
  const isAbandoned = problem.code === 'overloaded' && reply.raw.destroyed;
  if (problem.statusCode >= 500 && !isAbandoned)
    request.log.error({ event: 'request.failed', err: error, code: problem.code }, 'request failed');
  return reply
    .code(problem.statusCode)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(writtenText)
    .send({ ...bodyOf(problem), requestId: request.id, ...problem.extra });
}
