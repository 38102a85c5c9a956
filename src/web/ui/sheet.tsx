/** A sheet: the one container of this dashboard, a titled section with what can be done in its head. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export function Sheet({
  title,
  note,
  tools,
  children,
  name = '',
}: {
  title: ComponentChildren;
  note?: ComponentChildren;
  tools?: ComponentChildren;
  children: ComponentChildren;
  /** A class of its own. */
  name?: string;
}) {
  const id = useId();
  return (
    <section class={`sheet ${name}`} aria-labelledby={id}>
      <header class="sheet-head">
        <h2 id={id}>{title}</h2>
        {note && <span class="sheet-note">{note}</span>}
        {tools && <div class="sheet-tools">{tools}</div>}
      </header>
      {children}
    </section>
  );
}
