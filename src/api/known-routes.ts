/** The routes that were registered: what a path allows (405), and that none of them forgot to say who may use it. */
import type { RouteOptions } from 'fastify';
import type { Access } from '#api/access/authorization.ts';
import type { Api } from './api.ts';

export interface KnownRoute {
  url: string;
  methods: string[];
  access: Access;
  gateways: boolean;
  loopback: boolean;
  pattern: RegExp;
}

/**
 * Collects routes as they are registered, so it is called before any is.
 * Once all are there, one without `config.access` is a programmer's error.
 */
export function knownRoutes(api: Api): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  const collected: Pick<RouteOptions, 'url' | 'method' | 'config'>[] = [];
  api.addHook('onRoute', (route) => void collected.push(route as RouteOptions));
  api.addHook('onReady', async () => {
    for (const { url, method, config } of collected) {
      const methods = [method].flat().map(String);
      if (config?.access === undefined) throw new Error(`${methods.join(' ')} ${url} doesn't say who may use it.`);
      const { access, gateways = false, loopback = false } = config;
      routes.push({ url, methods, access, gateways, loopback, pattern: patternOf(url) });
    }
  });
  return routes;
}

function patternOf(url: string): RegExp {
  const parts = url.split(/(:\w+|\*)/).map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
