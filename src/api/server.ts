/**
 * Builds the HTTP server and never listens. Plugins, then the hooks that every request passes, then the routes: the
 * order is what makes a request be known (credential) before it is counted (rate), read (body) and handled.
 */
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import underPressure from '@fastify/under-pressure';
import fastify, { type FastifyBaseLogger, type FastifyRequest, LogController, type RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { askForCallers } from '#api/access/asker.ts';
import { type Credentials, createCredentials } from '#api/access/authorization.ts';
import { admitConnections, CONNECTION_LIMITS } from '#api/access/connections.ts';
import { endWithCredentials } from '#api/access/long-lived.ts';
import { accessRoutes } from '#api/access/routes/access.ts';
import { createSessions } from '#api/access/sessions.ts';
import { alarmActionRoutes } from '#api/alarms/routes/actions.ts';
import { alarmRoutes } from '#api/alarms/routes/alarms.ts';
import { alarmFiguresRoutes } from '#api/alarms/routes/figures.ts';
import { linkRoutes } from '#api/alarms/routes/links.ts';
import { noticeRoutes } from '#api/alarms/routes/notices.ts';
import { notificationRoutes } from '#api/alarms/routes/notification.ts';
import { rehearsalRoutes } from '#api/alarms/routes/rehearsals.ts';
import { assessmentRoutes } from '#api/books/routes/assessments.ts';
import { balanceRoutes } from '#api/books/routes/balances.ts';
import { decisionRoutes } from '#api/books/routes/decisions.ts';
import { loadRoutes } from '#api/books/routes/loads.ts';
import { periodRoutes } from '#api/books/routes/periods.ts';
import { planRoutes } from '#api/books/routes/plans.ts';
import { trendTestRoutes } from '#api/books/routes/trend-tests.ts';
import { trendRoutes } from '#api/books/routes/trends.ts';
import { volumeRoutes } from '#api/books/routes/volumes.ts';
import { importRoutes } from '#api/readings/routes/imports.ts';
import { readingsInRoutes } from '#api/readings/routes/in.ts';
import { latestRoutes } from '#api/readings/routes/latest.ts';
import { readingsOutRoutes } from '#api/readings/routes/out.ts';
import { panelRoutes } from '#api/readings/routes/panels.ts';
import { qcResultRoutes } from '#api/readings/routes/qc-results.ts';
import { quarantineRoutes } from '#api/readings/routes/quarantine.ts';
import { repairRoutes } from '#api/readings/routes/repair.ts';
import { gatewayRoutes } from '#api/registers/routes/gateways.ts';
import { referenceRoutes } from '#api/registers/routes/reference.ts';
import { registerRoutes } from '#api/registers/routes/registers.ts';
import { reportRoutes } from '#api/reports/routes/reports.ts';
import { dashboardRoutes } from '#api/service/routes/dashboard.ts';
import { serviceRoutes } from '#api/service/routes/service.ts';
import { streamRoutes } from '#api/streams/routes/stream.ts';
import type { Config } from '#model/config.ts';
import { writeAnswers } from './answers.ts';
import type { Api } from './api.ts';
import { checked, isTooDeep, limitBodies, TOO_DEEP } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { type KnownRoute, knownRoutes } from './known-routes.ts';
import { Problem, refuseUnreadable, sendProblem } from './problems.ts';
import { TAGS } from './schemas.ts';

const API_PREFIX = '/api/v1';

/** Bodies other than payloads of readings, which have WK_MAX_MESSAGE. */
const BODY_BYTES_MAX = 256 << 10;
const HEADER_BYTES_MAX = 16 << 10;
const PARAMETER_LENGTH_MAX = 2000;
/** Long enough for an import over a slow line; who sends nothing is cut off by the limit on silence. */
const REQUEST_MS_MAX = 600_000;
const HEADERS_MS_MAX = 10_000;
const SILENCE_MS_MAX = 120_000;
const IDLE_MS_MAX = 72_000;

/** Swagger UI writes style elements; nothing of it comes from elsewhere, and its default would force https. */
const DOCS_CSP = {
  'default-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'frame-ancestors': "'none'",
};

export async function buildServer(deps: ApiDeps): Promise<Api> {
  const { clock, config, log } = deps;
  const api = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // What a proxy on this machine says of its client is believed; nobody else.
    trustProxy: 'loopback',
    // Addresses that can't be read never reach the error handler.
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: refuseUnreadable,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    // Silence on a connection; event streams have their heartbeat.
    connectionTimeout: SILENCE_MS_MAX,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_MS_MAX },
  }) as unknown as Api;
  // Fastify hands an absent body over as null.
  api.setValidatorCompiler<z.ZodType>(
    ({ schema }) =>
      (data) =>
        checked(schema, data ?? undefined),
  );
  writeAnswers(api);
  // Many clients name a content type on every request: no bytes are then no body, not a broken one.
  const parseJson = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else if (isTooDeep(body)) done(new Problem('message.too-deep', TOO_DEEP));
    else void parseJson(request, body, done);
  });
  api.decorateRequest('caller', null);
  api.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));

  const sessions = createSessions(clock, deps.crowded);
  const credentials = createCredentials(deps, sessions);
  const routes = knownRoutes(api);
  await addPlugins(api, config);
  api.addHook('onRequest', (request) => credentials.check(request));
  admitConnections(api, { ...CONNECTION_LIMITS, ...deps.connectionLimits }, deps.crowded);
  endWithCredentials(api, deps.control, sessions);
  await limitRates(api, config.rateLimit);
  limitBodies(api);
  askForCallers(api);
  api.setNotFoundHandler((request, reply) => sendProblem(unknownRoute(routes, request), request, reply));
  await addRoutes(api, deps, credentials, sessions);
  await api.ready();
  return api;
}

async function addPlugins(api: Api, { publicUrl, busyAfterMs }: Config): Promise<void> {
  const isSecure = publicUrl?.startsWith('https:') ?? false;
  await api.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: isSecure ? { maxAge: 31_536_000 } : false,
  });
  await api.register(cookie);
  await api.register(underPressure, {
    // Answers would come too late to be of use.
    maxEventLoopDelay: busyAfterMs,
    async pressureHandler(request) {
      // Probes and whoever may be looking into why it is slow get their answer late rather than never.
      if (request.routeOptions.config.access === 'public' || request.routeOptions.config.loopback) return;
      throw new Problem('overloaded', 'The service is too busy.', { headers: { 'retry-after': '5' } });
    },
  });
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Wellkeeper 守井人',
        version: '1',
        description:
          'Water quality and transfer volumes of the Middle Route. Errors are RFC 9457 problems with a stable `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.values(TAGS).map((name) => ({ name })),
      security: [{ token: [] }, { session: [] }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'wk_session' },
          gateway: { type: 'http', scheme: 'basic', description: 'A gateway on `POST /readings` and its own ledger' },
        },
      },
    },
    transform: withAccess,
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  });
}

/** Says beside each route which role it takes, and that a gateway may where it may. */
const withAccess: typeof jsonSchemaTransform = (document) => {
  const { schema, url } = jsonSchemaTransform(document);
  const { access, gateways } = document.route.config ?? {};
  const security = gateways ? { security: [{ token: [] }, { session: [] }, { gateway: [] }] } : {};
  return { url, schema: Object.assign({ 'x-role': access }, schema, security) };
};

/** Every named schema comes in two variants, as read and as written; most are only ever written. */
function withoutUnused(document: object): object {
  const { components = {}, ...rest } = document as { components?: { schemas?: Record<string, unknown> } };
  const text = JSON.stringify(document);
  const used = Object.entries(components.schemas ?? {}).filter(([name]) =>
    text.includes(`"#/components/schemas/${name}"`),
  );
  return { ...rest, components: { ...components, schemas: Object.fromEntries(used) } };
}

/** Requests per second and credential; without one, per address. Log-ins that fail have a limit of their own. */
async function limitRates(api: Api, perSecond: number): Promise<void> {
  await api.register(rateLimit, {
    max: perSecond,
    timeWindow: 1000,
    cache: 10_000,
    keyGenerator: (request: FastifyRequest) => request.caller?.key ?? request.ip,
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('rate.limited', `More than ${perSecond} requests in a second.`, {
        headers: { 'retry-after': String(Math.max(1, Math.ceil(ttl / 1000))) },
      }),
  });
}

async function addRoutes(
  api: Api,
  deps: ApiDeps,
  credentials: Credentials,
  sessions: ReturnType<typeof createSessions>,
): Promise<void> {
  serviceRoutes(api, deps);
  await api.register(async (scope) => linkRoutes(scope as Api, deps));
  await api.register(async (scope) => {
    scope.addHook('onRoute', openToAll);
    await dashboardRoutes(scope as Api, deps);
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: DOCS_CSP, uiConfig: { validatorUrl: null } });
  });
  await api.register(
    async (scope) => {
      const v1 = scope as Api;
      accessRoutes(v1, deps, credentials, sessions);
      registerRoutes(v1, deps);
      rehearsalRoutes(v1, deps);
      gatewayRoutes(v1, deps);
      notificationRoutes(v1, deps);
      referenceRoutes(v1, deps);
      latestRoutes(v1, deps);
      readingsOutRoutes(v1, deps);
      trendRoutes(v1, deps);
      trendTestRoutes(v1, deps);
      assessmentRoutes(v1, deps);
      volumeRoutes(v1, deps);
      loadRoutes(v1, deps);
      decisionRoutes(v1, deps);
      balanceRoutes(v1, deps);
      planRoutes(v1, deps);
      periodRoutes(v1, deps);
      reportRoutes(v1, deps);
      alarmFiguresRoutes(v1, deps);
      alarmRoutes(v1, deps);
      alarmActionRoutes(v1, deps);
      noticeRoutes(v1, deps);
      repairRoutes(v1, deps);
      quarantineRoutes(v1, deps);
      qcResultRoutes(v1, deps);
      streamRoutes(v1, deps);
      await v1.register(async (payloads) => readingsInRoutes(payloads as Api, deps));
      await v1.register(async (imports) => importRoutes(imports as Api, deps));
      await v1.register(async (panels) => panelRoutes(panels as Api, deps));
    },
    { prefix: API_PREFIX },
  );
}

/** Files and the documentation's own routes come from plugins that know nothing of access. */
function openToAll(route: RouteOptions): void {
  route.config = { ...route.config, access: 'public' };
}

function unknownRoute(routes: readonly KnownRoute[], request: FastifyRequest): Problem {
  const path = request.url.split('?')[0]!;
  const allowed = routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
  if (allowed.length === 0) return new Problem('not-found', `There is no ${path.slice(0, 200)}.`);
  const allow = [...new Set(allowed)].sort().join(', ');
  return new Problem('method.not-allowed', `${path.slice(0, 200)} allows ${allow}.`, { headers: { allow } });
}
