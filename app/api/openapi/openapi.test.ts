import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GET } from '@/app/api/v1/openapi.json/route';
import type { ApiRoute } from '@/app/api-route';
import { resolve } from '@/lib/testing/check-json-schema';
import { ROUTES } from './routes';
import { toOpenApi } from './to-openapi';

const API = join(import.meta.dirname, '../v1');
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Every method of every route file, as the sources have it: `GET /api/v1/sites/[siteId]`. */
const written = readdirSync(API, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('route.ts'))
  .flatMap((path) => {
    const source = readFileSync(join(API, path), 'utf8');
    const found = METHODS.filter((method) => new RegExp(`export [^=(]*\\b${method}\\b`).test(source));
    return found.map((method) => `${method} /api/v1/${relative('.', join(path, '..'))}`);
  });
const all: readonly ApiRoute[] = [...ROUTES, GET];
const document = toOpenApi(all, '0.0.0');
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

describe('the OpenAPI document', () => {
  it('has every method of every route file', () => {
    expect(written.length).toBeGreaterThan(30);
    const documented = new Set(all.map(({ entry }): string => entry));
    expect(written.filter((name) => !documented.has(name))).toEqual([]);
    expect([...documented].filter((name) => !written.includes(name))).toEqual([]);
    expect(operations).toHaveLength(written.length);
  });

  it('says of each what it does in one sentence and what it answers', () => {
    const vague = all.filter(({ options }) => !/^[A-Z](?!.*\. ).{10,}\.$/.test(options.summary));
    expect(vague.map(({ entry }) => entry)).toEqual([]);
    const silent = all.filter(
      ({ options: { response, files, status } }) => !response && !files && status !== 204,
    );
    expect(silent.map(({ entry }) => entry)).toEqual([]);
    const bodiless = all.filter(({ options: { status, response } }) => status === 204 && response);
    expect(bodiless.map(({ entry }) => entry)).toEqual([]);
  });

  it('names every operation once, and a tag that is explained', () => {
    const ids = operations.map(({ operation }) => operation['operationId']);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const { name, operation } of operations)
      expect(tags, name).toContain((operation['tags'] as string[])[0]);
  });

  it('has a parameter for each place in a path, and no reference that leads nowhere', () => {
    for (const { name, operation } of operations) {
      const parameters = operation['parameters'] as { in: string; name: string }[];
      const inPath = parameters.filter((one) => one.in === 'path').map((one) => `{${one.name}}`);
      expect(inPath, name).toEqual(name.match(/\{\w+\}/g) ?? []);
    }
    const text = JSON.stringify(document);
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref);
    expect(refs.length).toBeGreaterThan(50);
    for (const ref of new Set(refs)) resolve(ref, document as unknown as Record<string, unknown>);
    expect(text).not.toContain('$defs');
  });

  it('asks for a token everywhere and says how requests are refused', () => {
    expect(document.security).toEqual([{ token: [] }]);
    for (const { name, operation } of operations) {
      const statuses = Object.keys(operation['responses'] as object);
      expect(statuses, name).toEqual(expect.arrayContaining(['401', '403', '429', '500', '503']));
      if (name.includes('{')) expect(statuses, name).toContain('404');
    }
  });

  it('is the same for the same routes, and tells what is sent from what is answered', () => {
    expect(JSON.stringify(toOpenApi(all, '0.0.0'))).toBe(JSON.stringify(document));
    const schemas = document.components['schemas'] as Record<string, { required: string[] }>;
    expect(schemas['Topology']?.required).toContain('cilium');
    expect(schemas['TopologyInput']?.required).not.toContain('cilium');
  });
});
