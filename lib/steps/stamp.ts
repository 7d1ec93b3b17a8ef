import { z } from 'zod';

/**
 * Name of a stamp: a file in /var/lib/siteplan-host/stamps whose text says what a thing on the host was made from,
 * so that a plan made after an interrupted run knows what is still to be done.
 */
export const StampName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.@-]{0,99}$/, 'not a stamp name');
/** A SHA-256 in hex or a version: no spaces, one line. */
export const StampValue = z.string().regex(/^[A-Za-z0-9.+-]{1,100}$/, 'not a stamp value');
