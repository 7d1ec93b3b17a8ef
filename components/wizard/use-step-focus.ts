'use client';
import { useEffect, useRef } from 'react';
import type { RefObject } from 'react';
import type { WizardStep } from './steps';

/**
 * Moves the focus to the body of a step when another one is shown, so that Tab goes on at its first field and a screen
 * reader says its name. A field of the step that took the focus itself keeps it; the first page load moves nothing.
 */
export function useStepFocus(step: WizardStep): RefObject<HTMLElement | null> {
  const ref = useRef<HTMLElement>(null);
  const shown = useRef(step);
  useEffect(() => {
    if (shown.current === step) return;
    shown.current = step;
    const body = ref.current;
    if (body && !body.contains(document.activeElement)) body.focus({ preventScroll: true });
  }, [step]);
  return ref;
}
