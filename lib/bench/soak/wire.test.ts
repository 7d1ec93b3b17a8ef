import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '@/lib/testing/wait-for';
import { startWire, type Wire } from './wire';

let server: Server;
let wire: Wire;
const clients: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  wire = await startWire({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, () => 0); // a TCP server has one
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await wire.stop();
  server.close();
});

function dial(): { client: Socket; heard: () => string; ended: () => string } {
  const client = connect({ host: '127.0.0.1', port: wire.port, allowHalfOpen: true });
  let heard = '';
  let ended = '';
  client.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  client.on('end', () => {
    ended ||= 'fin';
  });
  client.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code ?? 'error';
  });
  clients.push(client);
  return { client, heard: () => heard, ended: () => ended };
}

async function dialAndTalk() {
  const one = dial();
  one.client.write('hello');
  await waitFor(() => one.heard() === 'hello', { what: 'the echo' });
  return one;
}

describe('a wire', () => {
  it('that is a black hole carries nothing and says nothing; healed, it works for new connections', async () => {
    const old = await dialAndTalk();
    wire.blackHole();
    old.client.write('lost');
    const dark = dial();
    dark.client.write('lost too');
    await once(dark.client, 'connect');
    wire.heal();
    await dialAndTalk();
    expect([old.heard(), dark.heard(), old.ended(), dark.ended()]).toEqual(['hello', '', '', '']);
  });

  it('freezes only those that have said the word', async () => {
    const [listener, other] = [await dialAndTalk(), await dialAndTalk()];
    listener.client.write('LISTEN');
    await waitFor(() => listener.heard() === 'helloLISTEN', { what: 'the echo' });
    expect(wire.freeze('LISTEN')).toBe(1);
    listener.client.write('!');
    other.client.write('!');
    await waitFor(() => other.heard() === 'hello!', { what: 'the echo' });
    expect(listener.heard()).toBe('helloLISTEN');
  });

  it('holds back answers while questions get through', async () => {
    const one = await dialAndTalk();
    const heard = wire.bytesDown();
    wire.holdAnswers();
    one.client.write('question');
    await waitFor(() => wire.bytesDown() === heard + 8, { what: 'the answer to reach the wire' });
    expect(one.heard()).toBe('hello');
  });

  it('refuses, resets and half-closes', async () => {
    const half = await dialAndTalk();
    wire.halfClose();
    await waitFor(() => half.ended() === 'fin', { what: 'FIN' });
    const reset = await dialAndTalk();
    wire.refuse();
    wire.reset();
    await waitFor(() => reset.ended() === 'ECONNRESET', { what: 'RST' });
    const refused = dial();
    await waitFor(() => refused.ended() === 'ECONNRESET', { what: 'RST for a new connection' });
  });

  it('springs its trap before the chunk that goes beyond', async () => {
    const one = await dialAndTalk();
    const sprung = new Promise<void>((resolve) => {
      wire.onceBytesUp(8, () => {
        wire.freeze();
        resolve();
      });
    });
    one.client.write('abc');
    await waitFor(() => one.heard() === 'helloabc', { what: 'the echo' });
    one.client.write('d');
    await sprung;
    expect(one.heard()).toBe('helloabc');
  });

  it('that is slow keeps the order', async () => {
    wire.slow({ delayMs: 20, stalled: 0.5 });
    const one = dial();
    for (const word of ['a', 'b', 'c', 'd']) one.client.write(word);
    await waitFor(() => one.heard() === 'abcd', { what: 'everything in order' });
  });
});
