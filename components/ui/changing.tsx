'use client';
import { useState } from 'react';

/** A value that changes in place: one short tint when it is another one, nothing moves. */
export function Changing({ value }: { readonly value: string }) {
  const [first] = useState(value);
  return (
    <span key={value} className={value === first ? undefined : 'animate-changed'}>
      {value}
    </span>
  );
}
