'use client';
import type { ComponentProps } from 'react';
import { useCredentialDialog } from '@/app/(app)/sites/use-credential-dialog';
import type { CreateCredential } from '@/components/settings/credential-dialog';
import { SiteAccess } from '@/components/wizard/site-access';

interface Props extends Omit<ComponentProps<typeof SiteAccess>, 'CredentialDialog'> {
  readonly createCredential: CreateCredential;
  readonly offersAgent: boolean;
}

/** How hosts are reached, with the settings' dialog for a new credential. */
export function AccessScreen({ createCredential, offersAgent, ...access }: Props) {
  return <SiteAccess {...access} CredentialDialog={useCredentialDialog(createCredential, offersAgent)} />;
}
