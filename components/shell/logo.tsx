/** A sheet with its title block in the corner. */
export function Logo({ className = 'size-5' }: { readonly className?: string }) {
  return (
    <svg aria-hidden viewBox="0 0 20 20" className={className} fill="none" stroke="currentColor">
      <path d="M1.5 1.5H18.5V18.5H1.5Z" />
      <path d="M10.5 14.5H18.5M10.5 14.5V18.5" />
      <path d="M6 5.5H14M6 5.5V11M14 5.5V11M10 3V5.5" />
      <path d="M4 9H8V11.5H4ZM12 9H16V11.5H12Z" fill="var(--accent)" stroke="var(--accent)" />
    </svg>
  );
}
