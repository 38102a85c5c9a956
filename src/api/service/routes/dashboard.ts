/**
 * The dashboard: files that `npm install` has built from src/web into dist/web. Its pages have addresses of their own,
 * which all are the one page; its assets carry the hash of what they hold in their name, so they are kept for ever.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { z } from 'zod';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { documented } from '#api/schemas.ts';

const BUILT = fileURLToPath(new URL('../../../../dist/web/', import.meta.url));
const UNBUILT = fileURLToPath(new URL('../../static/', import.meta.url));

/** As src/web/core/route.ts knows them. */
const PAGES = [
  '/stations',
  '/stations/:id',
  '/alarms',
  '/alarms/:id',
  '/rules',
  '/rules/:id',
  '/volumes',
  '/gateways',
  '/assessment',
];

const ZONE_PLACE = '<meta name="time-zone" content="UTC"';

/** @param built where the build is, or will be: it may come, and go, while the service runs. */
export async function dashboardRoutes(
  api: Api,
  { config }: Pick<ApiDeps, 'config'>,
  built: string = BUILT,
): Promise<void> {
  const root = join(built, 'assets');
  // Files that aren't there yet are no reason for a warning: the page says so.
  await api.register(fastifyStatic, { root, prefix: '/assets/', index: false, list: false, ...KEPT, ...QUIET });
  await api.register(fastifyStatic, { ...UNBUILT_FILES, decorateReply: false });
  // Looked up anew for each visit: it is small, and a dashboard that is built again names other assets.
  const page = async () => {
    const html = (await readIndex(built)) ?? (await readIndex(UNBUILT))!;
    return html.replace(ZONE_PLACE, ZONE_PLACE.replace('UTC', config.timeZone));
  };
  api.route({
    method: 'GET',
    url: '/',
    schema: documented({
      tag: 'service',
      summary: 'The dashboard',
      answer: z.string(),
      type: 'text/html',
      isPublic: true,
    }),
    handler: async (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('cache-control', 'no-cache')
        .send(await page()),
  });
  for (const url of PAGES) {
    api.route({
      method: 'GET',
      url,
      schema: { hide: true },
      handler: async (_request, reply) =>
        reply
          .type('text/html; charset=utf-8')
          .header('cache-control', 'no-cache')
          .send(await page()),
    });
  }
}

/** Null = there is none. */
async function readIndex(directory: string): Promise<string | null> {
  try {
    return await readFile(join(directory, 'index.html'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const UNBUILT_FILES = { root: UNBUILT, prefix: '/static/', index: false, list: false } as const;
const QUIET = { suppressWarning: true } as const;
const KEPT = { preCompressed: true, immutable: true, maxAge: '365d' } as const;
