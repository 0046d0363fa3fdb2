import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    globalSetup: './test/support/globalSetup.ts',
    // A process a file: a test may end its process's database badly without ending the others'.
    pool: 'forks',
    maxWorkers: 2,
    // Longer than the wait for the embedded connection (15 s): a missed transaction shows as that error, with the stack of the culprit.
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // What is waited for comes when it comes: on a busy machine a second is not enough. Whoever proves a time says so at the call.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    setupFiles: './test/support/seed.ts',
    env: { NODE_ENV: 'test' },
  },
})
