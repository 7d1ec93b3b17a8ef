import { Agent } from 'node:https';
import { ApiError } from './api-store';
import type { ApiObject } from './api-object';
import type { ApiResource } from './api-resources';
import { toApiPath } from './api-resources';
import { httpsRequest } from './https-json';
import type { ClientFiles } from './https-json';

/** A client of the API server, as kubelet, controllers and the supervisor use it. */
export class ApiClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(
    private readonly server: string,
    private readonly files: ClientFiles,
  ) {}

  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<unknown> {
    const answer = await httpsRequest(`${this.server}${path}`, this.files, {
      method,
      headers: { 'content-type': contentType, accept: 'application/json' },
      agent: this.agent,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 400)
      throw new ApiError(
        answer.status,
        'Failure',
        `${method} ${path}: ${answer.status} ${answer.text.trim()}`,
      );
    return answer.text.startsWith('{') ? JSON.parse(answer.text) : answer.text;
  }

  async isReady(): Promise<boolean> {
    return this.request('GET', '/readyz').then(
      () => true,
      () => false,
    );
  }

  async list(resource: ApiResource, namespace: string | null): Promise<ApiObject[]> {
    // A list answer has items by the API's contract.
    const answer = (await this.request('GET', toApiPath(resource, namespace))) as { items: ApiObject[] };
    return answer.items;
  }

  /** The object, or null when there is none. */
  async find(resource: ApiResource, namespace: string | null, name: string): Promise<ApiObject | null> {
    const path = toApiPath(resource, namespace, name);
    const found = this.request('GET', path) as Promise<ApiObject>;
    return found.catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 404) return null;
      throw error;
    });
  }

  async patch(resource: ApiResource, namespace: string | null, name: string, patch: unknown): Promise<void> {
    await this.request(
      'PATCH',
      toApiPath(resource, namespace, name),
      patch,
      'application/strategic-merge-patch+json',
    );
  }

  /** Creates the object, or merges it into the one that is there. */
  async apply(resource: ApiResource, namespace: string | null, object: ApiObject): Promise<void> {
    try {
      await this.request('POST', toApiPath(resource, namespace), object);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 409)) throw error;
      await this.request(
        'PATCH',
        toApiPath(resource, namespace, object.metadata.name),
        object,
        'application/merge-patch+json',
      );
    }
  }

  async remove(resource: ApiResource, namespace: string | null, name: string): Promise<void> {
    await this.request('DELETE', toApiPath(resource, namespace, name)).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    });
  }
}
