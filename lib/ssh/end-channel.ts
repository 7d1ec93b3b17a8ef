import type { ClientChannel } from 'ssh2';

/**
 * Ends a channel from our side. What the host has still sent is read and dropped: the library tells of the end of a
 * channel only when everything before it was read.
 */
export function endChannel(channel: ClientChannel): void {
  channel.close();
  channel.resume();
  channel.stderr.resume();
}
