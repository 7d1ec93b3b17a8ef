'use client';
import { useState } from 'react';
import { Button } from './button';
import { announce } from './announcer';

/** Copies a text and says so; the button's own word changes, nothing else moves. */
export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    announce('Copied');
  };
  return (
    <Button look="quiet" isCompact onClick={() => void copy()} onBlur={() => setIsCopied(false)}>
      {isCopied ? 'Copied' : label}
    </Button>
  );
}
