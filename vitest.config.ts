import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Whoever changed the dashboard tests what they wrote, not what was built before.
    globalSetup: ['tests/helpers/built-dashboard.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores: more workers than that only makes the process tests slower.
    maxWorkers: 2,
  },
});
