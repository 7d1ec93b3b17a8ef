'use client';
import { useCredentialDialog } from '@/app/(app)/sites/use-credential-dialog';
import type { CreateCredential } from '@/components/settings/credential-dialog';
import { Wizard } from '@/components/wizard/wizard';
import type { WizardProps } from '@/components/wizard/wizard';

interface Props extends Omit<WizardProps, 'CredentialDialog'> {
  readonly createCredential: CreateCredential;
  readonly offersAgent: boolean;
}

/** The wizard with the settings' dialog for a new credential. */
export function WizardScreen({ createCredential, offersAgent, ...wizard }: Props) {
  return <Wizard {...wizard} CredentialDialog={useCredentialDialog(createCredential, offersAgent)} />;
}
