'use client';
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button';
import { announce } from './announcer';

interface Props {
  /** A function where the text is long and made only when it is asked for. */
  readonly text: string | (() => string);
  readonly isIcon?: boolean;
  readonly label?: string | undefined;
}

/** Copies a text and says so; the button's own word changes, nothing else moves. */
export function CopyButton({ text, isIcon, label = 'Copy' }: Props) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
    setIsCopied(true);
    announce('Copied');
  };
  const Icon = isCopied ? Check : Copy;
  return (
    <Button
      look="quiet"
      isCompact
      {...(isIcon && { 'aria-label': isCopied ? 'Copied' : label })}
      onClick={() => void copy()}
      onBlur={() => setIsCopied(false)}
    >
      {isIcon ? <Icon aria-hidden className="size-3.5" /> : isCopied ? 'Copied' : label}
    </Button>
  );
}
