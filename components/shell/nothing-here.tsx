import Link from 'next/link';
import { buttonClass } from '@/components/ui/button-class';
import { EmptyState } from '@/components/ui/panels';

/** The same words for what is not there and for what one may not see. */
export function NothingHere() {
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <EmptyState
        title="There is nothing here"
        action={
          <Link href="/" className={buttonClass({ look: 'primary' })}>
            Go to the fleet
          </Link>
        }
      >
        The address is wrong, the thing was deleted, or you have no right to see it.
      </EmptyState>
    </>
  );
}
