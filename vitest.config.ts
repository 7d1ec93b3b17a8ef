import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const alias = { '@': fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '') };

function project(name: string, include: string[], options: Record<string, unknown> = {}) {
  return {
    resolve: { alias },
    test: { name, include, exclude: ['node_modules/**', '.next/**', '.build/**'], ...options },
  };
}

/** One project per kind of test: what it needs is in its name (pure: nothing). */
export default defineConfig({
  test: {
    projects: [
      project('pure', ['{lib,components,app,e2e}/**/*.test.{ts,tsx}'], {
        exclude: ['node_modules/**', '.next/**', '.build/**', '**/*.{db,ssh,lab,start}.test.ts'],
      }),
      project('db', ['lib/**/*.db.test.ts', 'app/**/*.db.test.ts'], {
        globalSetup: ['lib/testing/db-setup.ts'],
        testTimeout: 30_000,
        hookTimeout: 60_000,
      }),
      project('ssh', ['lib/**/*.ssh.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('start', ['lib/**/*.start.test.ts'], { testTimeout: 240_000, hookTimeout: 240_000 }),
      project('lab', ['e2e/**/*.lab.test.ts'], {
        testTimeout: 240_000,
        hookTimeout: 300_000,
        fileParallelism: false,
      }),
    ],
  },
});
