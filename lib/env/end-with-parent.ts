/**
 * In a child of the supervisor: ends this process when the supervisor is gone, kill -9 included; the channel between
 * them closes with it. A process that was started by hand has no channel and goes on.
 */
export function endWithParent(): void {
  if (!process.channel) return;
  process.once('disconnect', () => process.exit(1));
  process.channel.unref();
}
