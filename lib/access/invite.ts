/** Begins `verification.identifier` of an invitation; the id of the invited person follows. */
export const INVITE_PREFIX = 'invite:';
