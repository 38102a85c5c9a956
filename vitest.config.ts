import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Whoever changed the dashboard tests what they wrote, not what was built before.
    globalSetup: ['tests/helpers/web/built-dashboard.ts'],
    // Guards against what never ends; no test's outcome depends on how fast the machine is.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Two cores: more workers than that only makes the process tests slower.
    maxWorkers: 2,
  },
});
