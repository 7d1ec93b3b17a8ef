import type { Duplex } from 'node:stream';
import { classifySshError } from './classify-ssh-error';
import { HostError } from './host-error';
import { openForward } from './open-forward';
import { startClient, type OpenClient } from './start-client';
import { openSocket, toCheckedAddresses } from './open-socket';
import type { ConnectOptions, HostEndpoint, HostLogin } from './target';

/** A byte stream to a host, straight or through others. */
export interface Way {
  readonly socket: Duplex;
  /** Ends the connections to the hosts on the way. */
  readonly close: () => void;
}

/** One host on the way, with its addresses: resolved once, here, and checked. */
interface Place {
  readonly endpoint: HostEndpoint;
  readonly addresses: readonly string[];
}

async function toPlace(
  endpoint: HostEndpoint,
  bastion: HostEndpoint | undefined,
  options: ConnectOptions,
): Promise<Place> {
  try {
    return { endpoint, addresses: await toCheckedAddresses(endpoint, options) };
  } catch (cause) {
    const failure = classifySshError(cause, endpoint);
    if (failure.code !== 'name-not-resolved' || !bastion) throw new HostError(failure, { cause });
    const words = {
      code: failure.code,
      message: `${endpoint.name} is reached through ${bastion.name}, and ${endpoint.address} does not resolve here.`,
      nextAction:
        'Enter its IP address: names behind a bastion are resolved by the worker, which checks them.',
    };
    throw new HostError(words, { cause });
  }
}

async function openDirect({ endpoint, addresses }: Place, options: ConnectOptions): Promise<Duplex> {
  try {
    return await openSocket(addresses, endpoint.port, options);
  } catch (error) {
    throw new HostError(classifySshError(error, endpoint), { cause: error });
  }
}

function toForwardError(cause: unknown, endpoint: HostEndpoint, bastion: HostEndpoint): HostError {
  return new HostError(
    {
      code: 'host-unreachable',
      message: `${bastion.name} could not reach ${endpoint.name} at ${endpoint.address} port ${endpoint.port}.`,
      nextAction: 'Check that the bastion may forward TCP and has a route to the host.',
    },
    { cause },
  );
}

/** To an address that was checked here, never to a name that the bastion would resolve for itself. */
async function openThrough(
  { client }: OpenClient,
  bastion: HostEndpoint,
  { endpoint, addresses }: Place,
  options: ConnectOptions,
): Promise<Duplex> {
  let failure: unknown = new Error('no address');
  for (const address of addresses) {
    try {
      return await openForward(client, address, endpoint.port, options);
    } catch (error) {
      failure = error;
    }
  }
  throw toForwardError(failure, endpoint, bastion);
}

/**
 * Opens the way to an endpoint: straight, or signing in to each bastion in turn. The address policy holds at each hop
 * (S18), before the first connection. Rejects with HostError that names the hop that failed.
 */
export async function openWay(
  endpoint: HostEndpoint,
  bastions: readonly HostLogin[],
  options: ConnectOptions,
): Promise<Way> {
  const places: Place[] = [];
  for (const [index, host] of [...bastions, endpoint].entries()) {
    places.push(await toPlace(host, bastions[index - 1], options));
  }
  const hops: OpenClient[] = [];
  const close = () => {
    for (const hop of [...hops].reverse()) hop.close();
  };
  const step = async (index: number): Promise<Duplex> => {
    const [place, bastion, last] = [places[index], bastions[index - 1], hops.at(-1)];
    if (!place) throw new Error('a way has a place for each step');
    if (!bastion || !last) return openDirect(place, options);
    const socket = await openThrough(last, bastion, place, options);
    // A hop that is gone takes what went through it along.
    void last.closed.then(() => socket.destroy());
    return socket;
  };
  try {
    for (const [index, bastion] of bastions.entries()) {
      hops.push(await startClient(bastion, await step(index), options));
    }
    return { socket: await step(bastions.length), close };
  } catch (error) {
    close();
    throw error;
  }
}
