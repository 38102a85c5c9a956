/** The form of something that a reader does: sends itself once, and tells in words when it was refused. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure } from '../core/api.ts';
import { t } from '../core/language.ts';
import { failureText } from './states.tsx';

export const textOf = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

export function DeedForm({
  verb,
  submit,
  cancel,
  children,
}: {
  /** What its button says. */
  verb: string;
  /** What it throws is shown, and the form stays as it was filled in. */
  submit: (form: FormData) => Promise<void>;
  cancel?: () => void;
  /** The fields, by name. */
  children: ComponentChildren;
}) {
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState('');
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setRefusal('');
    try {
      await submit(form);
    } catch (error) {
      setRefusal(error instanceof Failure ? failureText(error) : String(error));
    }
    setBusy(false);
  };
  return (
    <form class="deed-form" onSubmit={send}>
      {children}
      <button type="submit" class="primary" disabled={isBusy}>
        {verb}
      </button>
      {cancel && (
        <button type="button" class="quiet" onClick={cancel}>
          {t('cancel')}
        </button>
      )}
      <p class="deed-refusal" role="alert">
        {refusal}
      </p>
    </form>
  );
}

const TEXT_MAX = 2000;

/** A line of text, such as the reason that a deed is kept with. */
export function TextField({
  name,
  label,
  value = '',
  most = TEXT_MAX,
  isRequired = false,
  isFirst = false,
}: {
  name: string;
  label: string;
  value?: string;
  /** Characters. */
  most?: number;
  isRequired?: boolean;
  /** Written into as soon as the form is there. */
  isFirst?: boolean;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) input.current?.focus();
  }, [isFirst]);
  return (
    <label class="field deed-text">
      <span class="field-label">{label}</span>
      <input ref={input} name={name} defaultValue={value} maxLength={most} required={isRequired} autoComplete="off" />
    </label>
  );
}
