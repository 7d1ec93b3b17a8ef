import { cpus, totalmem } from 'node:os';
import type { CheckCell } from '@/lib/run/job-view';
import type { Role } from '@/lib/topology/topology';

/** A check that is not ok on every host of the lab, and why that is right. */
export interface LabDeviation {
  readonly checkId: string;
  readonly roles: readonly Role[];
  readonly status: CheckCell['status'];
  readonly isUnknown: boolean;
  readonly because: string;
  /** It depends on this machine: `true` and it must be so, `false` and it must not, `null` and either may be. */
  readonly isHere: boolean | null;
}

const NODES = ['server', 'agent'] as const;
const EVERY = ['server', 'agent', 'lb'] as const;
const memoryMiB = totalmem() / 1_048_576;

/**
 * Where lab hosts fall short of what the checks ask: they are containers on one machine. Everything else on a bare lab host
 * is ok; `e2e/preflight.lab.test.ts` compares exactly. Nothing here is red, so nothing keeps the lab from Apply.
 */
export const LAB_DEVIATIONS: readonly LabDeviation[] = [
  {
    checkId: 'kernel-modules',
    roles: NODES,
    status: 'warn',
    isUnknown: true,
    because:
      'a container has no modules of its kernel; what is built in is told by the kernel’s configuration',
    isHere: null,
  },
  {
    checkId: 'cpus',
    roles: ['server'],
    status: 'warn',
    isUnknown: false,
    because: 'every host sees the cores of this machine',
    isHere: cpus().length < 4,
  },
  {
    checkId: 'memory',
    roles: ['server'],
    status: 'warn',
    isUnknown: false,
    because: 'every host sees the memory of this machine',
    isHere: memoryMiB < 7_400,
  },
  {
    checkId: 'swap',
    roles: NODES,
    status: 'warn',
    isUnknown: false,
    because: 'every host sees the swap space of this machine',
    isHere: null,
  },
  {
    checkId: 'disk',
    roles: NODES,
    status: 'warn',
    isUnknown: false,
    because: 'every host sees the free space of this machine',
    isHere: null,
  },
  {
    checkId: 'disk-size',
    roles: NODES,
    status: 'warn',
    isUnknown: false,
    because: 'every host sees the disk of this machine',
    isHere: null,
  },
  {
    checkId: 'disk-kind',
    roles: NODES,
    status: 'warn',
    isUnknown: true,
    because: 'the file system of a lab host is an overlay, with no disk to be seen behind it',
    isHere: true,
  },
  {
    checkId: 'disk-sync',
    roles: ['server'],
    status: 'warn',
    isUnknown: false,
    because: 'all hosts write to the one disk of this machine at the same time',
    isHere: null,
  },
  {
    checkId: 'clock-sync',
    roles: EVERY,
    status: 'warn',
    isUnknown: false,
    because: 'the clock is this machine’s; containers run no time service and ask its kernel',
    isHere: null,
  },
];
