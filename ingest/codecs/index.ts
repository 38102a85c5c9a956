/** The formats that the door reads, by media type. A new codec is one more line here. */
import type { ContentType } from '../door.ts';
import type { Codec } from './codec.ts';
import { csv } from './csv.ts';
import { json } from './json.ts';

export const CODECS: Readonly<Record<ContentType, Codec>> = {
  'application/json': json,
  'text/csv': csv,
};
