/** The little of Wellkeeper's HTTP API that the demonstration and the replay use. */
import type { Gateway } from '#model/register.ts';

/** An answer that is not 2xx; `code` is the problem's stable code (RFC 9457), `http` where there is none. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | null;
  constructor(status: number, code: string, message: string, retryAfterSeconds: number | null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface Api {
  /** Origin such as `http://127.0.0.1:8080`. */
  origin: string;
  token: string;
}

/**
 * Sends one request below `/api/v1` and gives the JSON answer (undefined for none).
 * @throws ApiError for an answer that isn't 2xx; TypeError when nobody answers.
 */
export async function call(api: Api, method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const headers: Record<string, string> = { authorization: `Bearer ${api.token}`, accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(`${api.origin}/api/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) return answer;
  const problem = (typeof answer === 'object' && answer !== null ? answer : {}) as {
    code?: string;
    detail?: string;
    title?: string;
  };
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const why = problem.detail ?? problem.title ?? text.slice(0, 200);
  throw new ApiError(
    response.status,
    problem.code ?? 'http',
    `${method} ${path}: ${response.status} ${problem.code ?? ''} ${why}`.trim(),
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

/** Asks again as long as the service says that it can't answer now (429, 503), after the time that it names. */
export async function patiently<T>(ask: () => Promise<T>, pause: (ms: number) => Promise<unknown>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 429 && error.status !== 503)) throw error;
      await pause((error.retryAfterSeconds ?? 1) * 1000);
    }
  }
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Not ours: a proxy's page, say. The text itself goes into the error.
    return undefined;
  }
}

/** Registers a gateway for `stations` with a fresh password, which it returns; needs admin. */
export async function registerGateway(
  api: Api,
  id: string,
  name: Gateway['name'],
  stations: readonly string[],
): Promise<string> {
  const answer = (await call(api, 'PUT', `/gateways/${id}?rotate=true`, { name, stations })) as { password?: string };
  if (answer.password === undefined) throw new Error(`the service gave no password for gateway ${id}`);
  return answer.password;
}
