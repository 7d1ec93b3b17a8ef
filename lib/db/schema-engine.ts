import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { DiffTarget, MigrationList } from '@prisma/schema-engine-wasm';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import type { Pool } from 'pg';

const require = createRequire(import.meta.url);

/** What `schema_engine_bg.js` exports at run time; its typings describe the bundler entry, which Node cannot load. */
interface EngineModule {
  SchemaEngine: {
    new: (
      options: { datamodels: undefined },
      log: (line: string) => void,
      adapter: object,
    ) => Promise<SchemaEngine>;
  };
  __wbg_set_wasm: (exports: WebAssembly.Exports) => void;
}

let loaded: Promise<EngineModule> | undefined;

/** The WebAssembly schema engine, instantiated by hand: the native engine would be a download. Internal API, pinned. */
async function loadEngine(): Promise<EngineModule> {
  const path = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  // The module's own typings are for bundlers; the shape above is what the pinned version has (tested).
  const glue = (await import(path)) as EngineModule;
  const bytes = await readFile(path.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': glue as unknown as WebAssembly.ModuleImports, // functions by name, as the glue expects
  });
  glue.__wbg_set_wasm(instance.exports);
  const start = instance.exports['__wbindgen_start'];
  if (typeof start === 'function') start();
  return glue;
}

/** The adapter splits scripts at every semicolon, also inside functions and comments; the server parses them itself. */
function withWholeScripts(adapter: SqlDriverAdapter, onError: (error: unknown) => void): SqlDriverAdapter {
  const { client } = adapter as SqlDriverAdapter & { client: Pool }; // private in the pinned version (tested)
  adapter.executeScript = async (script) => {
    await client.query(script).catch((error: unknown) => {
      onError(error); // the engine would only say "external error"
      throw error;
    });
  };
  return adapter;
}

function toAdapterFactory(
  url: string,
  opened: SqlDriverAdapter[],
  onError: (error: unknown) => void,
): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg({ connectionString: url });
  const keep = (adapter: SqlDriverAdapter) => {
    const dispose = adapter.dispose.bind(adapter);
    let disposed: Promise<void> | undefined; // the engine disposes of shadow databases by itself, of others never
    adapter.dispose = () => (disposed ??= dispose());
    opened.push(adapter);
    return withWholeScripts(adapter, onError);
  };
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => keep(await factory.connect()),
    connectToShadowDb: () => Promise.reject(new Error('migrations are written without a shadow database')),
  };
}

/** Runs `work` with a schema engine on the database at `url` and frees it. */
async function withEngine<T>(url: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  loaded ??= loadEngine();
  const glue = await loaded;
  const opened: SqlDriverAdapter[] = [];
  let cause: unknown;
  const factory = toAdapterFactory(url, opened, (error) => {
    cause = error;
  });
  const adapter = bindMigrationAwareSqlAdapterFactory(factory);
  const engine = await glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, adapter);
  try {
    return await work(engine);
  } catch (error) {
    throw cause === undefined ? error : new Error('a migration failed', { cause });
  } finally {
    engine.free();
    for (const one of opened) await one.dispose();
  }
}

const NO_FILTER = { externalTables: [], externalEnums: [] };

/** Applies what is missing of `migrations` in order; returns the names applied. Writes `_prisma_migrations`. */
export async function applyMigrationList(url: string, migrations: MigrationList): Promise<string[]> {
  const result = await withEngine(url, (engine) =>
    engine.applyMigrations({ migrationsList: migrations, filters: NO_FILTER }),
  );
  return result.appliedMigrationNames;
}

/** The SQL that leads from one schema to another; `url` is any database of the server. */
export async function diffSchemas(url: string, from: DiffTarget, to: DiffTarget): Promise<string> {
  const result = await withEngine(url, (engine) =>
    engine.diff({ from, to, script: true, exitCode: null, filters: NO_FILTER }),
  );
  return result.stdout ?? '';
}
