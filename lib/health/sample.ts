import { z } from 'zod';

const Percent = z.number().min(0).max(100).nullable();

/** One reading of a node by the sampler. Null means that it was not, or cannot be, read. */
export const Sample = z.object({
  /** The worker's clock when the line arrived, milliseconds since 1970. */
  receivedAtMs: z.number(),
  intervalS: z.number(),
  bootId: z.string(),
  uptimeS: z.number(),
  /** Over the interval; null on the first line. */
  cpuPercent: Percent,
  load1: z.number(),
  memoryTotalMiB: z.number(),
  memoryPercent: Percent,
  /** Of the file system of /var/lib. */
  diskPercent: Percent,
  diskFreeGiB: z.number().nullable(),
  /** Mean milliseconds per write of that disk over the interval; null without writes or where the disk is not known. */
  writeLatencyMs: z.number().nullable(),
  /** All interfaces that lead out of the host, bytes per second over the interval. */
  rxBytesPerS: z.number().nullable(),
  txBytesPerS: z.number().nullable(),
  /** Host clock minus the worker's, milliseconds; the way of the line is in it. */
  clockOffsetMs: z.number().nullable(),
  /** ActiveState by unit. */
  units: z.record(z.string(), z.string()),
  /** TCP ports of interest that something listens on, ascending. */
  listening: z.array(z.int()),
  /** HTTP status of /readyz with the admin's certificate; 0 when nothing answered. */
  apiReadyCode: z.int().nullable(),
  etcdHealthy: z.boolean().nullable(),
  etcdHasLeader: z.boolean().nullable(),
  etcdIsLeader: z.boolean().nullable(),
  /** The Node's Ready condition; `none` when the API server did not say. */
  nodeReady: z.enum(['True', 'False', 'Unknown', 'none']).nullable(),
  /** The earliest end of the node's leaf certificates, seconds since 1970. */
  certificateEndS: z.number().nullable(),
  /** Age of the slower readings (from `diskPercent` on, but not units, ports and rates); null before the first. */
  slowAgeS: z.number().nullable(),
});
export type Sample = z.infer<typeof Sample>;
