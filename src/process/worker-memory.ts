/** How much memory worker threads may take (docs/decisions/0009). */

/** Three semi-spaces of 4 MB; by itself V8 would take 100 MB under load. */
export const WORKER_LIMITS = { maxYoungGenerationSizeMb: 12 };

/** One question is answered at a time; the longest need some hundred MB. */
export const QUERY_WORKER_LIMITS = { ...WORKER_LIMITS, maxOldGenerationSizeMb: 1024 };
