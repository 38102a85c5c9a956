/** `npm run openapi`: writes docs/openapi.json from the routes themselves. A test keeps the file true. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { createTokens } from '#api/access/tokens.ts';
import type { ApiDeps } from '#api/deps.ts';
import { buildServer } from '#api/server.ts';
import { Control } from '#journal/registers.ts';
import { systemClock } from '#src/clock.ts';

export const OPENAPI_FILE = fileURLToPath(new URL('../../../docs/openapi.json', import.meta.url));

/** The description as text, from a server of which no route is ever called. */
export async function openapiText(): Promise<string> {
  const control = new Control([]);
  const config = {
    publicUrl: null,
    rateLimit: 100,
    busyAfterMs: 0,
    maxMessageBytes: 262_144,
    timeZone: 'Asia/Shanghai',
  };
  const uncalled: Partial<ApiDeps> = {
    config: config as ApiDeps['config'],
    clock: systemClock,
    log: pino({ enabled: false }),
    control,
    tokens: createTokens(control, ''),
    reference: { parameters: new Map(), aliases: new Map(), standards: new Map() },
  };
  const server = await buildServer(uncalled as ApiDeps);
  const text = `${JSON.stringify(server.swagger(), null, 2)}\n`;
  await server.close();
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(OPENAPI_FILE, await openapiText());
