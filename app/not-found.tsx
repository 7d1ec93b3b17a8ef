import Link from 'next/link';
import { buttonClass } from '@/components/ui/button-class';
import { EmptyState } from '@/components/ui/panels';

export default function NotFound() {
  return (
    <div className="flex min-h-screen flex-col p-4">
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
    </div>
  );
}
