import { Skeleton } from '@/components/ui/panels';

export default function Loading() {
  return <Skeleton />;
}
