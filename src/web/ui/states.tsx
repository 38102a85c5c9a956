/** What a page shows when it has nothing to show yet, nothing at all, or trouble. */
import type { ComponentChildren } from 'preact';
import { type Failure, loggedOut } from '../core/api.ts';
import { language, t } from '../core/language.ts';
import type { Resource } from '../core/resource.ts';
import { WORDS, type Word } from '../core/words.ts';

/** Keeps the place of what is coming, so that nothing jumps when it comes. */
export function Loading({ lines = 4, tall = false }: { lines?: number; tall?: boolean }) {
  return (
    <div class={`loading${tall ? ' is-tall' : ''}`} role="status">
      <span class="unseen">{t('loading')}</span>
      {tall ? <span class="bone" /> : Array.from({ length: lines }, (_, line) => <span key={line} class="bone" />)}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function failureText(failure: Failure): string {
  if (failure.status === 0) return t('unreachable');
  if (failure.status === 403) return t('notAllowed');
  if (failure.status === 429) return t('tooMany');
  // The service explains itself in English: what kind of refusal it is, a Chinese reader is told first.
  const word = `fault-${failure.code}`;
  return language.value === 'zh' && word in WORDS ? `${t(word as Word)} ${failure.message}` : failure.message;
}

export function Trouble({ failure, retry }: { failure: Failure; retry?: (() => void) | undefined }) {
  if (failure.status === 401 || loggedOut.value) return null;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{t('trouble')}</strong> {failureText(failure)} {failure.status > 0 && <code>{failure.code}</code>}
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          {t('again')}
        </button>
      )}
    </div>
  );
}

/** Shows a resource: its bones, its trouble, or what it is. */
export function Shown<T>({
  of,
  children,
  ...loading
}: {
  of: Resource<T>;
  children: (data: T) => ComponentChildren;
  lines?: number;
  tall?: boolean;
}) {
  if (of.failure) return <Trouble failure={of.failure} retry={of.reload} />;
  if (of.data === undefined) return <Loading {...loading} />;
  return <div class={of.isLoading ? 'is-old' : 'is-shown'}>{children(of.data)}</div>;
}
