import { NothingHere } from '@/components/shell/nothing-here';

/** For strangers: the frame of the app is not theirs. */
export default function NotFound() {
  return (
    <main className="flex min-h-screen flex-col p-4">
      <NothingHere />
    </main>
  );
}
