import { z } from 'zod';
import { ROUTES } from '@/app/api/openapi/routes';
import type { OpenApi } from '@/app/api/openapi/to-openapi';
import { toOpenApi } from '@/app/api/openapi/to-openapi';
import { apiRoute } from '@/app/api-route';
import packageJson from '@/package.json';

let document: OpenApi | undefined;

export const GET = apiRoute(
  'GET /api/v1/openapi.json',
  {
    summary: 'Gives this document: OpenAPI 3.1, made from the schemas that the routes use.',
    response: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
  },
  () => {
    document ??= toOpenApi([...ROUTES, GET], packageJson.version);
    return Promise.resolve({ ...document });
  },
);
