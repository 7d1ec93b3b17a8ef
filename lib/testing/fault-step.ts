import { z } from 'zod';
import { toScript } from '@/lib/steps/script';
import { defineStepKind, type StepKind } from '@/lib/steps/step-kind';
import { findTestKind } from './ledger-step';

const FaultStepParams = z.strictObject({
  act: z.string().default(':'),
  probe: z.string().default('exit 10'),
  verify: z.string().default(':'),
});

function defineFaultStep(kind: string, timeoutS: number): StepKind {
  return defineStepKind({
    kind,
    params: FaultStepParams,
    probe: toScript('eval "$sp_probe"\n'),
    act: toScript('eval "$sp_act"\n'),
    verify: toScript('eval "$sp_verify"\n'),
    timeoutS,
    uninterruptible: null,
    toTitle: () => kind,
    toVariables: ({ act, probe, verify }) => ({ act, probe, verify }),
  });
}

/** Steps for tests whose scripts are their parameters, under the prelude of the real ones. */
const FAULT_KINDS: Readonly<Record<string, StepKind>> = {
  'test.fault': defineFaultStep('test.fault', 60),
  'test.fault-short': defineFaultStep('test.fault-short', 2),
};

/** The real catalogue and the steps for tests, with a download that neither pauses between tries nor waits a minute. */
export function findFaultKind(kind: string): StepKind | null {
  const found = FAULT_KINDS[kind] ?? findTestKind(kind);
  if (found?.kind !== 'artifact.fetch') return found;
  return {
    ...found,
    toVariables: (params) => ({ ...found.toVariables(params), pause_s: '0', stall_s: '2' }),
  };
}
