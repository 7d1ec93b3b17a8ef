import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const alias = { '@': fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '') };

function project(name: string, include: string[], options: Record<string, unknown> = {}) {
  return {
    resolve: { alias },
    test: { name, include, exclude: ['node_modules/**', '.next/**', '.build/**'], ...options },
  };
}

/** Limits are for what hangs, not for what is slow: no test asserts a time, and machines are shared. */
const PATIENCE = { testTimeout: 120_000, hookTimeout: 120_000 };

/** One project per kind of test: what it needs is in its name (pure: nothing). */
export default defineConfig({
  test: {
    projects: [
      project('pure', ['{lib,components,app,e2e}/**/*.test.{ts,tsx}'], {
        exclude: ['node_modules/**', '.next/**', '.build/**', '**/*.{db,ssh,lab,start}.test.ts'],
        ...PATIENCE,
      }),
      project('db', ['lib/**/*.db.test.ts', 'app/**/*.db.test.ts'], {
        globalSetup: ['lib/testing/db-setup.ts'],
        ...PATIENCE,
      }),
      project('ssh', ['lib/**/*.ssh.test.ts'], { ...PATIENCE }),
      project('start', ['lib/**/*.start.test.ts'], {
        testTimeout: 400_000,
        hookTimeout: 400_000,
        fileParallelism: false,
      }),
      project('lab', ['e2e/**/*.lab.test.ts'], {
        testTimeout: 400_000,
        hookTimeout: 400_000,
        fileParallelism: false,
      }),
    ],
  },
});
