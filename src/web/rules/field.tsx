/** One member of a rule as a field, with what the service says against it. */
import { useId } from 'preact/hooks';
import { t } from '../core/language.ts';
import { choiceWord } from './gist.ts';
import type { Field } from './members.ts';

export function RuleField({
  field,
  entry,
  enter,
  faults,
}: {
  field: Field;
  entry: string;
  enter: (entry: string) => void;
  /** '' when there is nothing against it. */
  faults: string;
}) {
  const id = useId();
  const faultId = useId();
  const said: Said = { id, 'aria-invalid': faults !== '', 'aria-describedby': faults === '' ? undefined : faultId };
  return (
    <div class={`rule-field${field.path === 'when' ? ' is-wide' : ''}`}>
      <label for={id}>{t(field.label)}</label>
      <Entry field={field} entry={entry} enter={enter} said={said} />
      {field.entry === 'list' && <small>{t('listHint')}</small>}
      {faults !== '' && (
        <small id={faultId} class="rule-fault">
          {faults}
        </small>
      )}
    </div>
  );
}

const PLACEHOLDERS: Partial<Record<Field['entry'], string>> = { duration: 'PT30M', pair: '6, 9' };

interface Said {
  id: string;
  'aria-invalid': boolean;
  'aria-describedby': string | undefined;
}

function Entry({
  field: { entry: kind, options = [], isRequired = false },
  entry,
  enter,
  said,
}: {
  field: Field;
  entry: string;
  enter: (entry: string) => void;
  said: Said;
}) {
  if (kind === 'switch') {
    return (
      <input
        type="checkbox"
        checked={entry === 'true'}
        onChange={(event) => enter(String(event.currentTarget.checked))}
        {...said}
      />
    );
  }
  if (kind === 'choice') {
    return (
      <select value={entry} required={isRequired} onChange={(event) => enter(event.currentTarget.value)} {...said}>
        <option value="">–</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {choiceWord(option)}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      value={entry}
      required={isRequired}
      inputMode={kind === 'number' ? 'decimal' : undefined}
      placeholder={PLACEHOLDERS[kind]}
      autoComplete="off"
      onInput={(event) => enter(event.currentTarget.value)}
      {...said}
    />
  );
}
