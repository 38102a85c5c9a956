/** One of the few numbers that a sheet is about, in a list (`dl.key-figures`) of them. */
import type { ComponentChildren } from 'preact';

export function KeyFigure({
  label,
  children,
  note,
}: {
  label: string;
  children: ComponentChildren;
  note?: ComponentChildren;
}) {
  return (
    <div class="key-figure">
      <dt>{label}</dt>
      <dd>
        {children}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}
