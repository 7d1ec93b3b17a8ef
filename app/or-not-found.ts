import { notFound } from 'next/navigation';
import { isAppError } from '@/lib/core/errors';

/** For pages: the value, or Next's "not found" when the thing is not there or not for this person. */
export async function orNotFound<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isAppError(error) && (error.code === 'not-found' || error.code === 'forbidden')) notFound();
    throw error;
  }
}
