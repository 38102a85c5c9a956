/** One of a few: buttons in a row, of which one is pressed. */
export function Choice<T extends string>({
  label,
  options,
  value,
  choose,
}: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T | null;
  choose: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => choose(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

/** One of many. */
export function Select<T extends string>({
  label,
  options,
  value,
  choose,
  isLabelSeen = true,
}: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  choose: (value: T) => void;
  isLabelSeen?: boolean;
}) {
  return (
    <label class="field">
      <span class={isLabelSeen ? 'field-label' : 'unseen'}>{label}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
