/** How much memory a worker thread may take for young objects (docs/decisions/0009). */

/** Three semi-spaces of 4 MB; by itself V8 would take 100 MB under load. */
export const WORKER_LIMITS = { maxYoungGenerationSizeMb: 12 };
