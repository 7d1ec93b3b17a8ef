import { join } from 'node:path';

process.env.NEXT_TELEMETRY_DISABLED = '1';

/** @type {import('next').NextConfig} */
export default {
  reactStrictMode: true,
  poweredByHeader: false,
  // The image optimiser is neither used nor installed; the server answers 404 for its address.
  images: { unoptimized: true },
  // Plain Node modules that must not be pulled through a bundler: native parts, worker threads, their own file lookups.
  serverExternalPackages: ['pino', 'pg', '@prisma/client', '@prisma/adapter-pg', 'better-auth'],
  // Event streams say no-transform; everything else is compressed once, here.
  compress: true,
  devIndicators: false,
  // Development would print what actions are called with: passwords, keys.
  logging: { serverFunctions: false },
  // Types are the tests' business; a start must not take half a minute longer for them.
  typescript: { ignoreBuildErrors: true },
  experimental: { serverActions: { bodySizeLimit: '64kb' } },
  outputFileTracingRoot: join(import.meta.dirname),
  turbopack: { root: join(import.meta.dirname) },
};
