/** The description of the API: the file in docs/ is the one that the routes give, and its examples are true. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as alarms from '#api/alarms/schemas/alarms.ts';
import * as balances from '#api/books/schemas/balances.ts';
import * as periods from '#api/books/schemas/periods.ts';
import * as plans from '#api/books/schemas/plans.ts';
import * as statistics from '#api/books/schemas/statistics.ts';
import * as volumes from '#api/books/schemas/volumes.ts';
import { OPENAPI_FILE, openapiText } from '#api/description/openapi.ts';
import * as readings from '#api/readings/schemas/readings.ts';
import * as reference from '#api/registers/schemas/reference.ts';
import * as registers from '#api/registers/schemas/registers.ts';
import { problemSchema } from '#api/schemas.ts';

interface Operation {
  summary?: string;
  tags?: string[];
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}
interface Description {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

describe('docs/openapi.json', () => {
  it('is what the routes say; UPDATE=1 rewrites it', async () => {
    const text = await openapiText();
    if (process.env.UPDATE) writeFileSync(OPENAPI_FILE, text);
    expect(readFileSync(OPENAPI_FILE, 'utf8') === text, 'docs/openapi.json is old: run `npm run openapi`').toBe(true);
  });

  it('describes every route with a summary, a tag and its errors', async () => {
    const { openapi, paths } = JSON.parse(await openapiText()) as Description;
    expect(openapi).toMatch(/^3\.1\./);
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })),
    );
    expect(operations.length).toBeGreaterThan(60);
    for (const { name, summary, tags, responses } of operations) {
      expect([name, (summary ?? '').length > 3, tags?.length]).toEqual([name, true, 1]);
      const statuses = Object.keys(responses);
      expect([name, statuses.some((status) => status.startsWith('2'))]).toEqual([name, true]);
      expect([name, statuses.includes('500'), statuses.includes('429')]).toEqual([name, true, true]);
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description.length).toBeGreaterThan(0);
        if (Number(status) < 400 || name === 'GET /readyz') continue;
        // Whoever opens a link of a notice is a person with a browser.
        const isPage = name.endsWith('/a/{signed}') && ['404', '409'].includes(status);
        expect([name, status, Object.keys(content!)]).toEqual([
          name,
          status,
          [isPage ? 'text/html' : 'application/problem+json'],
        ]);
      }
    }
  });
});

describe('examples', () => {
  const exported: [string, unknown][] = Object.entries({
    problemSchema,
    ...alarms,
    ...readings,
    ...reference,
    ...registers,
    ...statistics,
    ...balances,
    ...periods,
    ...plans,
    ...volumes,
  });
  const withExamples = exported.flatMap(([name, schema]): [string, z.ZodType][] =>
    schema instanceof z.ZodType && schema.meta()?.examples ? [[name, schema]] : [],
  );

  it('stand at most schemas', () => {
    expect(withExamples.length).toBeGreaterThan(25);
  });

  it.each(withExamples)('%s fits its own schema, to the last member', (_name, schema) => {
    for (const example of schema.meta()!.examples as unknown[]) {
      const parsed = schema.parse(example);
      // Defaults may be filled in; nothing may be cut off.
      expect(parsed).toMatchObject(example as object);
    }
  });
});
