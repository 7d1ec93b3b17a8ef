'use client';
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button';
import { announce } from './announcer';

/** Copies a text and says so; the button's own word changes, nothing else moves. */
export function CopyButton({ text, isIcon }: { readonly text: string; readonly isIcon?: boolean }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    announce('Copied');
  };
  const Icon = isCopied ? Check : Copy;
  return (
    <Button
      look="quiet"
      isCompact
      {...(isIcon && { 'aria-label': isCopied ? 'Copied' : 'Copy' })}
      onClick={() => void copy()}
      onBlur={() => setIsCopied(false)}
    >
      {isIcon ? <Icon aria-hidden className="size-3.5" /> : isCopied ? 'Copied' : 'Copy'}
    </Button>
  );
}
