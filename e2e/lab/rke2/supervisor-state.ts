import type { ApiClient } from './api-client';
import type { EtcdClient } from './etcd-client';
import type { Layout } from './layout';
import type { Settings } from './settings';
import type { ServerTokens } from './tokens';

/** What the supervisor needs to know of the server it is part of, asked anew for each request. */
export interface SupervisorState {
  layout: Layout;
  settings: Settings;
  /** Passwords by user; null until the server has settled its tokens. */
  passwords: ServerTokens | null;
  /** The member of this host. */
  etcd: EtcdClient;
  /** The API server of this host. */
  client: ApiClient;
}

/** What somebody who joins has proved to be. A bootstrap token makes a node. */
export type SupervisorUser = 'server' | 'node';

/** An answer other than 200. */
export class RouteError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}
