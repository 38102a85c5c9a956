/** The dashboard's types: the file is the one that the description gives, and says what the description says. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OPENAPI_FILE } from '#api/description/openapi.ts';
import { WEB_TYPES_FILE, webTypes } from '#api/description/web-types.ts';

it('src/web/api-types.ts is what docs/openapi.json says; UPDATE=1 rewrites it', () => {
  const text = webTypes(readFileSync(OPENAPI_FILE, 'utf8'));
  if (process.env.UPDATE) writeFileSync(WEB_TYPES_FILE, text);
  expect(readFileSync(WEB_TYPES_FILE, 'utf8') === text, 'src/web/api-types.ts is old: run `npm run openapi`').toBe(
    true,
  );
});

it('writes what is asked and answered of each operation under the prefix', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const text = webTypes(
    JSON.stringify({
      components: {
        schemas: {
          Reading: {
            type: 'object',
            properties: { time: { type: 'string' }, value: { type: ['number', 'null'] }, flag: { enum: [1, 4] } },
            required: ['time', 'value'],
          },
        },
      },
      paths: {
        '/healthz': { get: { responses: { 200: json({ type: 'string' }) } } },
        '/api/v1/series/{id}': {
          get: {
            parameters: [
              { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
              { name: 'limit', in: 'query', schema: { type: 'integer' } },
            ],
            responses: {
              200: json({ type: 'array', items: { $ref: '#/components/schemas/Reading' } }),
              404: json({ type: 'boolean' }),
            },
          },
          delete: { responses: { 204: {} } },
          put: {
            requestBody: json({
              anyOf: [{ type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] }, { type: 'null' }],
            }),
            responses: { 201: json({ type: 'object', additionalProperties: { type: 'number' } }) },
          },
        },
      },
    }),
  );
  expect(text).toContain('export type Reading = { time: string; value: number | null; flag?: 1 | 4 };');
  expect(text).toContain(
    '"GET /series/{id}": { path: { id: string }; query: { limit?: number }; body: undefined; answer: (Reading)[] };',
  );
  expect(text).toContain(
    '"DELETE /series/{id}": { path: Record<never, never>; query: Record<never, never>; body: undefined; answer: undefined };',
  );
  expect(text).toContain('body: [number, number] | null; answer: Record<string, number> };');
  expect(text).not.toContain('healthz');
});
