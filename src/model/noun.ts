/** What registers there are. */

/** The registers. Each is a set of entries keyed by id, changed only by `put` and `delete` commands. */
export const NOUNS = [
  'station',
  'gateway',
  'meter',
  'rule',
  'channel',
  'routes',
  'token',
  'statement',
  'gap',
  'ruling',
  'plan',
  'period',
  'report',
  'panel',
  'maintenance',
] as const;
export type Noun = (typeof NOUNS)[number];
