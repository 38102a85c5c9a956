/** The mark: 井, a well, with the water in it. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" class="mark-ground" />
      <path d="M11.5 6v20M20.5 6v20M6 11.5h20M6 20.5h20" class="mark-frame" />
      <path d="M16 12.6c1.7 2.2 2.9 3.6 2.9 5a2.9 2.9 0 0 1-5.8 0c0-1.4 1.2-2.8 2.9-5z" class="mark-water" />
    </svg>
  );
}
