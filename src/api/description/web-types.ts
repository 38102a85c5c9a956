/**
 * Writes src/web/api-types.ts, the only thing that the dashboard knows of this service, from docs/openapi.json: run as
 * `npm run openapi`. One member for each JSON operation: what it is asked (path, query, body) and what it answers.
 * (Generators on the registry embed the TypeScript API of version 5, which TypeScript 7 no longer has.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OPENAPI_FILE } from './openapi.ts';

export const WEB_TYPES_FILE = fileURLToPath(new URL('../../web/api-types.ts', import.meta.url));

const PREFIX = '/api/v1';

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema | false;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
}
interface Content {
  content?: Record<string, { schema?: Schema }>;
}
interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const PLAIN = new Set(['string', 'number', 'boolean', 'null']);

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

/** The TypeScript of a JSON schema, as far as zod writes them; anything else is `unknown`. */
function toType(schema: Schema | undefined): string {
  if (!schema) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1)!;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return [...new Set(choice.map(toType))].join(' | ');
  if (schema.prefixItems) return `[${schema.prefixItems.map(toType).join(', ')}]`;
  if (Array.isArray(schema.type)) return schema.type.map((type) => toType({ ...schema, type })).join(' | ');
  if (schema.type === 'array') return `(${schema.items ? toType(schema.items) : 'unknown'})[]`;
  if (schema.type === 'object') return toObject(schema);
  if (schema.type === 'integer') return 'number';
  return schema.type !== undefined && PLAIN.has(schema.type) ? schema.type : 'unknown';
}

function toObject({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties)
    return `Record<string, ${typeof additionalProperties === 'object' ? toType(additionalProperties) : 'unknown'}>`;
  const members = Object.entries(properties).map(
    ([name, schema]) => `${key(name)}${required.includes(name) ? '' : '?'}: ${toType(schema)}`,
  );
  return `{ ${members.join('; ')} }`;
}

function parametersIn(place: string, { parameters = [] }: Operation): string {
  const members = parameters
    .filter((parameter) => parameter.in === place)
    .map(({ name, required, schema }) => `${key(name)}${required ? '' : '?'}: ${toType(schema)}`);
  return members.length === 0 ? 'Record<never, never>' : `{ ${members.join('; ')} }`;
}

const jsonOf = (content: Content | undefined): Schema | undefined => content?.content?.['application/json']?.schema;

function toMember(name: string, operation: Operation): string {
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1];
  const body = operation.requestBody ? toType(jsonOf(operation.requestBody)) : 'undefined';
  const answer = jsonOf(good) ? toType(jsonOf(good)) : 'undefined';
  return `  ${JSON.stringify(name)}: { path: ${parametersIn('path', operation)}; query: ${parametersIn('query', operation)}; body: ${body}; answer: ${answer} };\n`;
}

/** @param description the text of an OpenAPI 3.1 document. */
export function webTypes(description: string): string {
  const { paths, components } = JSON.parse(description) as Description;
  const named = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${toType(schema)};\n`,
  );
  const members = Object.entries(paths)
    .filter(([path]) => path.startsWith(PREFIX))
    .flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) =>
        toMember(`${method.toUpperCase()} ${path.slice(PREFIX.length)}`, operation),
      ),
    );
  return `/** Made from docs/openapi.json by src/api/description/web-types.ts: \`npm run openapi\`. Not to be edited. */\n${named.join('')}\nexport interface Api {\n${members.join('')}}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(WEB_TYPES_FILE, webTypes(readFileSync(OPENAPI_FILE, 'utf8')));
}
