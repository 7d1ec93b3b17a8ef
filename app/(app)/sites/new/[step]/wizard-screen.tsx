'use client';
import { useMemo } from 'react';
import { CredentialDialog } from '@/components/settings/credential-dialog';
import type { CreateCredential } from '@/components/settings/credential-dialog';
import type { CredentialDialogProps } from '@/components/wizard/actions';
import { Wizard } from '@/components/wizard/wizard';
import type { WizardProps } from '@/components/wizard/wizard';

type Props = Omit<WizardProps, 'CredentialDialog'> & { readonly createCredential: CreateCredential };

/** The wizard with the settings' dialog for a new credential: features do not know each other, pages put them together. */
export function WizardScreen({ createCredential, ...wizard }: Props) {
  const Dialog = useMemo(
    () =>
      function WizardCredentialDialog(props: CredentialDialogProps) {
        return <CredentialDialog {...props} createCredential={createCredential} />;
      },
    [createCredential],
  );
  return <Wizard {...wizard} CredentialDialog={Dialog} />;
}
