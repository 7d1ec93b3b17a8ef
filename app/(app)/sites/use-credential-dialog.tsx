'use client';
import { useMemo } from 'react';
import type { ComponentType } from 'react';
import { CredentialDialog } from '@/components/settings/credential-dialog';
import type { CreateCredential } from '@/components/settings/credential-dialog';
import type { CredentialDialogProps } from '@/components/wizard/actions';

/** The settings' dialog for a new credential, for features that do not know the settings: pages put them together. */
export function useCredentialDialog(
  createCredential: CreateCredential,
  offersAgent: boolean,
): ComponentType<CredentialDialogProps> {
  return useMemo(
    () =>
      function BoundCredentialDialog(props: CredentialDialogProps) {
        return <CredentialDialog {...props} createCredential={createCredential} offersAgent={offersAgent} />;
      },
    [createCredential, offersAgent],
  );
}
