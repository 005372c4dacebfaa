import { defineConfig } from 'vitest/config';
import { reporter } from './test/support/reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // One worker for each two cores is vitest's own choice; tests here wait for processes more than they compute.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', reporter],
  },
});
