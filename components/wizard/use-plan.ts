'use client';
import { useQuery } from '@tanstack/react-query';
import type { PlanView } from '@/lib/plan/plan-view';

/** A plan by its id; null while there is none or it is on its way. */
export function usePlan(planId: string | null): { plan: PlanView | null; isFailed: boolean } {
  const { data, isError } = useQuery({
    queryKey: ['plan', planId],
    enabled: planId !== null,
    queryFn: async (): Promise<PlanView> => {
      const response = await fetch(`/api/v1/plans/${encodeURIComponent(planId ?? '')}`);
      if (!response.ok) throw new Error(`plan ${response.status}`);
      return (await response.json()) as PlanView; // our own server's shape
    },
  });
  return { plan: data ?? null, isFailed: isError };
}
