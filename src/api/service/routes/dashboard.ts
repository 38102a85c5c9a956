/**
 * The dashboard: files that `npm install` has built from src/web into dist/web. Its pages have addresses of their own,
 * which all are the one page; its assets carry the hash of what they hold in their name, so they are kept for ever.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { z } from 'zod';
import type { Api, ApiDeps } from '#api/deps.ts';
import { documented } from '#api/schemas/common.ts';

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

export async function dashboardRoutes(api: Api, { config }: Pick<ApiDeps, 'config'>): Promise<void> {
  const isBuilt = existsSync(join(BUILT, 'index.html'));
  const index = join(isBuilt ? BUILT : UNBUILT, 'index.html');
  if (isBuilt) {
    const root = join(BUILT, 'assets');
    await api.register(fastifyStatic, { root, prefix: '/assets/', index: false, list: false, ...KEPT });
  } else {
    await api.register(fastifyStatic, { root: UNBUILT, prefix: '/static/', index: false, list: false });
  }
  // Read anew for each visit: it is small, and a dashboard that is built again names other assets.
  const page = async () =>
    (await readFile(index, 'utf8')).replace(ZONE_PLACE, ZONE_PLACE.replace('UTC', config.timeZone));
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

const KEPT = { preCompressed: true, immutable: true, maxAge: '365d' } as const;
