import { randomUUID } from 'node:crypto';
import type { ApiObject } from './api-object';
import { matchesFields, matchesLabels } from './api-object';
import type { ApiResource } from './api-resources';
import { toGroupVersion } from './api-resources';
import type { EtcdClient, EtcdEntry } from './etcd-client';

/** An error that the API answers as a Status object. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export interface ListOptions {
  labelSelector: string | null;
  fieldSelector: string | null;
}

/** Kubernetes objects in etcd, below /registry as the real API server keeps them; revisions are etcd's own. */
export class ApiStore {
  constructor(private readonly etcd: EtcdClient) {}

  async list(
    resource: ApiResource,
    namespace: string | null,
    options: ListOptions,
  ): Promise<{ items: ApiObject[]; revision: string }> {
    const { entries, revision } = await this.etcd.list(keyOf(resource, namespace, ''));
    const items = entries
      .map((entry) => toObject(resource, entry))
      .filter(
        (object) =>
          matchesLabels(object, options.labelSelector) && matchesFields(object, options.fieldSelector),
      );
    return { items, revision };
  }

  /** Throws NotFound. */
  async get(resource: ApiResource, namespace: string | null, name: string): Promise<ApiObject> {
    const entry = await this.etcd.get(keyOf(resource, namespace, name));
    if (entry === null) throw notFound(resource, name);
    return toObject(resource, entry);
  }

  /** Throws AlreadyExists. */
  async create(resource: ApiResource, namespace: string | null, object: ApiObject): Promise<ApiObject> {
    const { name } = object.metadata;
    if (typeof name !== 'string' || name === '')
      throw new ApiError(422, 'Invalid', 'metadata.name: Required value');
    const metadata = {
      ...object.metadata,
      ...(namespace === null ? {} : { namespace }),
      uid: randomUUID(),
      creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const complete = { ...object, metadata };
    const revision = await this.etcd.putIf(keyOf(resource, namespace, name), toStored(complete), '0');
    if (revision === null)
      throw new ApiError(409, 'AlreadyExists', `${displayName(resource)} "${name}" already exists`);
    return withRevision(resource, complete, revision);
  }

  /** Reads, changes and writes back, again when somebody was faster. Throws NotFound; Conflict when `change` does. */
  async update(
    resource: ApiResource,
    namespace: string | null,
    name: string,
    change: (current: ApiObject) => ApiObject,
  ): Promise<ApiObject> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const entry = await this.etcd.get(keyOf(resource, namespace, name));
      if (entry === null) throw notFound(resource, name);
      const current = toObject(resource, entry);
      const changed = change(current);
      const { uid, creationTimestamp } = current.metadata;
      const kept = {
        ...changed.metadata,
        name,
        ...(uid && { uid }),
        ...(creationTimestamp && { creationTimestamp }),
      };
      const complete = { ...changed, metadata: kept };
      if (isTerminating(complete) && !hasFinalizers(complete)) {
        await this.etcd.deleteIf(entry.key, entry.revision);
        return complete;
      }
      const revision = await this.etcd.putIf(
        keyOf(resource, namespace, name),
        toStored(complete),
        entry.revision,
      );
      if (revision !== null) return withRevision(resource, complete, revision);
    }
    throw new ApiError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${displayName(resource)} "${name}"`,
    );
  }

  /** Throws NotFound. Returns the object that is gone, or that goes when its finalizers have been taken away. */
  async remove(resource: ApiResource, namespace: string | null, name: string): Promise<ApiObject> {
    const entry = await this.etcd.get(keyOf(resource, namespace, name));
    if (entry === null) throw notFound(resource, name);
    const object = toObject(resource, entry);
    if (hasFinalizers(object)) {
      const deletionTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      return this.update(resource, namespace, name, (current) => ({
        ...current,
        metadata: { deletionTimestamp, ...current.metadata },
      }));
    }
    await this.etcd.deleteIf(entry.key, entry.revision);
    return object;
  }
}

function hasFinalizers({ metadata }: ApiObject): boolean {
  return Array.isArray(metadata['finalizers']) && metadata['finalizers'].length > 0;
}

function isTerminating({ metadata }: ApiObject): boolean {
  return metadata['deletionTimestamp'] !== undefined;
}

function displayName(resource: ApiResource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

function notFound(resource: ApiResource, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${displayName(resource)} "${name}" not found`);
}

function keyOf(resource: ApiResource, namespace: string | null, name: string): string {
  // The real API server keeps nodes under their old name.
  const plural = resource.plural === 'nodes' ? 'minions' : resource.plural;
  const scope = resource.namespaced && namespace !== null ? `${namespace}/` : '';
  return `/registry/${resource.group === '' ? '' : `${resource.group}/`}${plural}/${scope}${name}`;
}

function toStored(object: ApiObject): string {
  const { resourceVersion: _unused, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
}

function withRevision(resource: ApiResource, object: ApiObject, revision: string): ApiObject {
  const header = { kind: resource.kind, apiVersion: toGroupVersion(resource) };
  return { ...object, ...header, metadata: { ...object.metadata, resourceVersion: revision } };
}

function toObject(resource: ApiResource, entry: EtcdEntry): ApiObject {
  // Only this store writes below /registry.
  return withRevision(resource, JSON.parse(entry.value) as ApiObject, entry.revision);
}
