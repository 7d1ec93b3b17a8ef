'use client';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Skeleton } from '@/components/ui/panels';
import type { YamlProps } from './yaml-form';

/** Schema, rules and the YAML reader come when the dialog is first opened. */
const YamlForm = dynamic(() => import('./yaml-form').then((module) => module.YamlForm), {
  ssr: false,
  loading: () => <Skeleton rows={4} />,
});

/** The whole document as YAML: read, changed, stored as a new revision. Nothing on a host changes by that. */
export function YamlButton(props: YamlProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>{props.refusal ? 'Show YAML' : 'Edit YAML'}</Button>
      <Dialog
        isOpen={isOpen}
        onClose={() => setIsOpen(false)}
        title={`Topology, revision ${props.view.revision}`}
        className="w-200"
      >
        <YamlForm {...props} onDone={() => setIsOpen(false)} />
      </Dialog>
    </>
  );
}
